"""Search of a shop for states without a way out: nothing is under way, and nobody can do anything."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from django.apps import apps

from console import ways_out
from console.ways_out import ENDS, TABLE, Act, Ways
from orders.errors import OrdersError
from orders.models import Order, Return
from orders.payments.services import check_payable
from orders.resending import check_resendable
from orders.services import check_resumable, check_settleable
from orders.states import CANCELLABLE, Status
from orders.undelivered.plan import LOST, RETURNED, plan_giving_up
from payments.models import Payment, Refund
from shop.messaging.contracts import Reminder
from shop.messaging.models import DeadLetter, ScheduledMessage
from tests.properties.world import World


def without_a_way_out(world: World) -> list[str]:
    """Return the states that neither an event, a reminder, a dead letter nor an act ends."""
    under_way = _under_way(world)
    found = []
    for order_id, model, state, thing in _open_states():
        ways = TABLE[model][state]
        waits_for_people = state.startswith(Status.NEEDS_ATTENTION) or not ways.events
        if waits_for_people and not any(_is_possible(act, thing) for act in ways.acts):
            found.append(f"{model} {state}: none of {[act.name for act in ways.acts]} is possible")
        elif not waits_for_people and not _awaits(ways, {order_id, thing.pk}, under_way):
            found.append(f"{model} {state}: nothing is under way")
    return found


def _awaits(ways: Ways, ids: set[UUID], under_way: Collection[tuple[UUID, str]]) -> bool:
    """Tell whether a message comes: a reminder itself, or anything that may lead to an event."""
    only_reminders = all(issubclass(event, Reminder) for event in ways.events)
    wanted = {event.type for event in ways.events}
    return any(about in ids and (type_ in wanted or not only_reminders) for about, type_ in under_way)


def _under_way(world: World) -> set[tuple[UUID, str]]:
    """Return aggregate and type of messages on their way, scheduled ones, and open dead letters."""
    letters = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN)
    messages = {
        *((UUID(delivery.body["subject"]), delivery.body["type"]) for delivery in world.pending),
        *ScheduledMessage.objects.values_list("aggregate_id", "type"),
        *letters.values_list("aggregate_id", "type"),
    }
    refunds = dict(Refund.objects.values_list("pk", "payment__order_id"))
    return messages | {(refunds[about], type_) for about, type_ in messages if about in refunds}


def _open_states() -> Iterator[tuple[UUID, str, str, Any]]:
    for order in Order.objects.exclude(status__in=ENDS["orders.Order"]):
        reason = f": {order.attention_reason}" if order.status == Status.NEEDS_ATTENTION else ""
        yield order.pk, "orders.Order", f"{order.status}{reason}", order
    for model in TABLE.keys() - {"orders.Order"}:
        for thing in apps.get_model(model)._default_manager.exclude(state__in=ENDS[model]):
            if not _waits_with_its_order(thing) and not (isinstance(thing, Refund) and thing.is_moot):
                yield _order_of(thing), model, thing.state, thing


def _waits_with_its_order(thing: Any) -> bool:
    """Tell what its order decides on: held money while it is open, a beginning once it has stopped."""
    if thing.state not in {"requires_capture", "remembered", "short", "awaiting"}:
        return False
    status = Order.objects.values_list("status", flat=True).get(pk=thing.order_id)
    has_stopped = status in (*ENDS["orders.Order"], Status.NEEDS_ATTENTION)
    return has_stopped if thing.state != "requires_capture" else status not in {"delivered", "cancelled"}


def _order_of(thing: Any) -> UUID:
    order_id: UUID = thing.payment.order_id if isinstance(thing, Refund) else thing.order_id
    return order_id


def _is_possible(act: Act, thing: Any) -> bool:
    with suppress(OrdersError):
        return _POSSIBLE[act](thing)
    return False


def _checked(check: Callable[[Order], object]) -> Callable[[Order], bool]:
    """Tell whether a check refuses nothing."""

    def passes(order: Order) -> bool:
        check(order)
        return True

    return passes


def _has_failed_refund(thing: Order | Refund) -> bool:
    failed = (
        [thing]
        if isinstance(thing, Refund)
        else Refund.objects.filter(payment__order_id=thing.pk, state="failed")
    )
    return any(not refund.is_moot for refund in failed)


def _has_failed_capture(order: Order) -> bool:
    failed = Payment.objects.filter(order_id=order.pk, state="requires_capture").exclude(failure_code="")
    return failed.exists()


_POSSIBLE: dict[Act, Callable[[Any], bool]] = {
    ways_out.PAY_AGAIN: _checked(check_payable),
    ways_out.CONFIRM: lambda payment: payment.awaits_customer,
    ways_out.CANCEL: lambda order: order.stage in CANCELLABLE,
    ways_out.RESUME: _checked(check_resumable),
    ways_out.SETTLE: _checked(check_settleable),
    ways_out.SEND_AGAIN: _checked(check_resendable),
    ways_out.REFUND_AND_RESTOCK: _checked(partial(plan_giving_up, goods=RETURNED)),
    ways_out.REFUND_AND_WRITE_OFF: _checked(partial(plan_giving_up, goods=LOST)),
    ways_out.APPROVE_RETURN: lambda found: found.state == Return.State.REQUESTED,
    ways_out.REFUSE_RETURN: lambda found: found.state == Return.State.REQUESTED,
    ways_out.RECEIVE_RETURN: lambda found: found.state == Return.State.APPROVED,
    ways_out.WITHDRAW_RETURN: lambda found: found.is_live,
    ways_out.RETRY_REFUND: _has_failed_refund,
    ways_out.RETRY_CAPTURE: _has_failed_capture,
    ways_out.GIVEN_BACK: _has_failed_refund,
    ways_out.BOOK_STOCK: lambda thing: True,
}
