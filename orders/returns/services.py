"""Services of returns: ask, approve, refuse, receive and end. The order's row lock orders them all."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from orders import repository
from orders.errors import IllegalReturn, UnknownReturn
from orders.events import (
    ReturnApproved,
    ReturnArrivalDue,
    ReturnCancelled,
    ReturnedLine,
    ReturnExpired,
    ReturnRefusal,
    ReturnRejected,
    ReturnRequested,
)
from orders.models import Order, Return, ReturnLine
from orders.models.returns import MAX_REASON
from orders.returns.plan import check_lines, check_reason, check_returnable
from shop.messaging.publishing import publish, unit_of_work
from shop.messaging.scheduling import schedule, unschedule
from shop.privacy.order_keys import keys_of_orders
from shop.privacy.sealing import sealed

State = Return.State


@unit_of_work()
def request_return(*, order_id: UUID, lines: Mapping[str, int], reason: str, by_customer: bool) -> Return:
    """Ask for goods of a delivered order to be sent back. An operator decides.

    Args:
        order_id: the order.
        lines: SKU -> quantity.
        reason: for operators; it may be personal, and stays here.
        by_customer: True if the customer asks, whose time for it is limited.

    Raises:
        NotReturnable, InvalidReturn, LinesTaken
    """
    order = repository.lock([order_id])[0]
    check_returnable(order, by_customer=by_customer)
    check_reason(reason, gettext("Say why the goods are sent back."))
    check_lines(order, lines)
    returned = Return.objects.create(order=order, by_customer=by_customer, reason=reason.strip()[:MAX_REASON])
    ReturnLine.objects.bulk_create(
        ReturnLine(order_return=returned, sku=sku, quantity=quantity)
        for sku, quantity in sorted(lines.items())
        if quantity
    )
    publish(
        ReturnRequested(
            order_id=order_id, return_id=returned.pk, lines=lines_of(returned), by_customer=by_customer
        )
    )
    return returned


@unit_of_work()
def approve_return(*, order_id: UUID, return_id: UUID) -> Return:
    """Let the customer send the goods, which have to come within ``SHOP_RETURN_ARRIVAL``."""
    returned = lock_return(order_id, return_id)
    check_state(returned, State.REQUESTED, act="approved")
    await_goods(returned)
    store(returned, State.APPROVED)
    assert returned.arrive_by  # noqa: S101 - set just now
    publish(
        ReturnApproved(
            order_id=order_id, return_id=return_id, lines=lines_of(returned), arrive_by=returned.arrive_by
        )
    )
    return returned


@unit_of_work()
def reject_return(*, order_id: UUID, return_id: UUID, reason: str) -> Return:
    """Refuse a return, for a reason that the customer is told."""
    returned = lock_return(order_id, return_id)
    check_state(returned, State.REQUESTED, act="refused")
    check_reason(reason, gettext("Say why it is refused: the customer is told."))
    returned.refusal = reason.strip()[:MAX_REASON]
    store(returned, State.REJECTED)
    key = keys_of_orders([order_id]).get(order_id)
    words = ReturnRefusal(reason=returned.refusal)
    publish(
        ReturnRejected(order_id=order_id, return_id=return_id, **sealed(ReturnRejected, key, personal=words))
    )
    return returned


@unit_of_work()
def cancel_return(*, order_id: UUID, return_id: UUID) -> Return:
    """End a return whose goods, or the rest of them, stay with the customer."""
    returned = lock_return(order_id, return_id)
    check_state(returned, *Return.LIVE, act="withdrawn")
    end(returned, State.CANCELLED)
    publish(ReturnCancelled(order_id=order_id, return_id=return_id))
    return returned


@unit_of_work()
def expire_return(*, order_id: UUID, return_id: UUID) -> Return:
    """End an approved return whose goods did not come in time; one that got more time waits on."""
    returned = lock_return(order_id, return_id)
    if returned.state != State.APPROVED or returned.arrive_by is None:
        return returned
    if returned.arrive_by > timezone.now():
        schedule(ReturnArrivalDue(order_id=order_id, return_id=return_id), at=returned.arrive_by)
        return returned
    end(returned, State.EXPIRED)
    publish(ReturnExpired(order_id=order_id, return_id=return_id))
    return returned


def remind_of_arrival(*, order_id: UUID, return_id: UUID) -> Return:
    """Schedule the end of a return whose goods are late, and whose reminder was lost."""
    with transaction.atomic():
        returned = lock_return(order_id, return_id)
        if returned.state == State.APPROVED:
            schedule(ReturnArrivalDue(order_id=order_id, return_id=return_id), at=timezone.now())
    return returned


# --- Parts of the services, for receiving as well ------------------------------------------------


def lock_return(order_id: UUID, return_id: UUID) -> Return:
    """Lock an order, and return one of its returns; UnknownReturn if it has no such return."""
    order = repository.lock([order_id])[0]
    found = order.returns.prefetch_related("lines").filter(pk=return_id).first()
    if found is None:
        raise UnknownReturn(number=order.number, id=return_id)
    found.order = order
    return found


def check_state(returned: Return, *allowed: str, act: str) -> None:
    """Raise IllegalReturn unless the return is in one of these states."""
    if returned.state not in allowed:
        raise IllegalReturn(state=returned.get_state_display().lower(), act=act)


def await_goods(returned: Return) -> None:
    """Give the goods, or the rest of them, time to come."""
    returned.arrive_by = timezone.now() + settings.SHOP_RETURN_ARRIVAL
    reminder = ReturnArrivalDue(order_id=returned.order_id, return_id=returned.pk)
    schedule(reminder, at=returned.arrive_by)


def end(returned: Return, state: str) -> None:
    """Store the end of a return, for which nothing is awaited any more."""
    unschedule(ReturnArrivalDue, returned.pk)
    store(returned, state)


def store(returned: Return, state: str) -> None:
    """Store a return in its new state."""
    returned.state, returned.changed_at = state, timezone.now()
    returned.save(update_fields=Return.CHANGEABLE)


def lines_of(returned: Return) -> tuple[ReturnedLine, ...]:
    """Return the lines of a return, as events carry them."""
    names = names_of(returned.order)
    return tuple(
        ReturnedLine(sku=line.sku, name=names[line.sku], quantity=line.quantity)
        for line in returned.lines.all()
    )


def names_of(order: Order) -> dict[str, str]:
    """Return the names of an order's products, by SKU."""
    return {line.sku: line.name for line in order.lines.all()}


def returns_of(order: Order) -> list[Return]:
    """Return the returns of an order, oldest first, with their lines and receipts."""
    return list(order.returns.prefetch_related("lines", "receipts__refund"))
