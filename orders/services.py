"""Services of orders: accept orders, follow the other contexts' outcomes, and give orders up.

Outcomes come for sets of orders, so that few statements serve a batch. Events may come late, early and
twice: the model decides what they still mean.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inventory import queries as inventory
from orders import history, intake, repository
from orders.changes import follow, store, take
from orders.deadlines import move_deadline, overdue_since, remind_at
from orders.errors import (
    CancelInstead,
    IdempotencyKeyReused,
    NothingToWaitFor,
    NotSettleable,
    NotWaiting,
    ReasonMissing,
    TooLateToCancel,
    TooManyOrders,
)
from orders.events import (
    CancellationReason,
    CaptureRequested,
    OrderCancellationRequested,
    OrderCreated,
    OrderResumed,
    OrderSettled,
)
from orders.history import Step, cancellation_requested, held_up
from orders.intake import Offer, OrderRequest
from orders.models import MAX_NAME, Order, OrderLine
from orders.states import DEADLINES, AttentionReason, Status
from shop.messaging.contracts import Money
from shop.messaging.pruning import Pruned, prune
from shop.messaging.publishing import publish, unit_of_work
from shop.privacy.data_keys import DataKey, key_for_account
from shop.privacy.sealing import sealed
from shop.visible import is_visible

logger = logging.getLogger(__name__)

#: Characters of the reason of a settlement.
MAX_SETTLEMENT = 300
#: Characters of the note of an order that is held up.
MAX_NOTE = 300
#: Ways out where nothing more will come.
_REMEDIES = {
    AttentionReason.REFUND_FAILED: _("Retry the refund, or settle the order"),
    AttentionReason.CAPTURE_FAILED: _("Retry the capture of its payment, or settle the order"),
    AttentionReason.DELIVERY_FAILED: _("Send the order again, or refund it and settle it"),
    AttentionReason.RESEND_FAILED: _("Send the order again otherwise, or refund it and settle it"),
}


# --- Intake ----------------------------------------------------------------------------------


def place_order(
    *,
    customer: User,
    request: OrderRequest,
    idempotency_key: str = "",
    unknown_address: bool = False,
    guest_email: str = "",
) -> Order:
    """Accept an order at the catalogue's prices; everything after that follows by events.

    The same customer's same key and request give the order of the first time, as a replay. With
    ``unknown_address``, as in an import, the address may be the placeholder of an unknown one. A guest's
    account has no address: it is given as ``guest_email``, and the order has no name of its customer.

    Raises:
        InvalidOrder: with every problem found, by field.
        IdempotencyKeyReused: the key came with another request before.
        TooManyOrders: the customer has placed as many within a minute as one may.
    """
    if earlier := _placed_before(customer, request, idempotency_key):
        return earlier
    intake.check_request(request, unknown_address=unknown_address)
    return _place(customer, request, idempotency_key, guest_email)


def _placed_before(customer: User, request: OrderRequest, key: str) -> Order | None:
    if not key:
        return None
    earlier = Order.objects.filter(customer=customer, idempotency_key=key).first()
    if earlier is None:
        return None
    if earlier.request_fingerprint != request.fingerprint:
        raise IdempotencyKeyReused(key=key)
    earlier.is_replay = True
    return earlier


def _place(customer: User, request: OrderRequest, key: str, guest_email: str) -> Order:
    keys_for = repository.reserved_keys(lines=len(request.lines), customer_id=customer.pk)
    with keys_for as keys, key_for_account(customer.pk) as subject:
        offers = inventory.prices_of(request.skus)
    if keys.result.wait > 0:
        raise TooManyOrders(quota=settings.SHOP_ORDERS_A_MINUTE, wait=keys.result.wait)
    intake.check_offers(request, offers)
    order = _order(customer, request, key, offers, serial=keys.result.serial)
    if guest_email:
        order.customer_name, order.customer_email = "", guest_email
    lines = _lines(order, request, offers, keys.result.lines)
    try:
        return _accept(order, lines, subject.result)
    except IntegrityError:
        # The same request was accepted in parallel.
        if earlier := _placed_before(customer, request, key):
            return earlier
        raise


def _order(
    customer: User, request: OrderRequest, key: str, offers: Mapping[str, Offer], *, serial: int
) -> Order:
    return Order(
        serial=serial,
        customer=customer,
        customer_name=_name_of(customer)[:MAX_NAME],
        customer_email=customer.email,
        payment_method=request.payment_method,
        retry_payment=request.retry_payment,
        total=intake.total_of(request.items, offers),
        currency=offers[request.skus[0]].currency,
        idempotency_key=key,
        request_fingerprint=request.fingerprint,
        **{f"ship_{name}": value for name, value in request.ship_to.model_dump().items()},
    )


def _name_of(customer: User) -> str:
    """Return the full name, or the user name for want of one that can be read."""
    name = customer.get_full_name()
    return name if is_visible(name) else customer.get_username()


def _lines(
    order: Order, request: OrderRequest, offers: Mapping[str, Offer], keys: Iterable[int]
) -> list[OrderLine]:
    return [
        OrderLine(
            pk=key,
            order=order,
            sku=item.sku,
            name=offers[item.sku].name,
            quantity=item.quantity,
            unit_price=offers[item.sku].unit_price,
            currency=offers[item.sku].currency,
        )
        for item, key in zip(request.items, keys, strict=True)
    ]


def _accept(order: Order, lines: list[OrderLine], subject: DataKey) -> Order:
    with unit_of_work(single_statement=True):
        repository.add(order, lines)
        move_deadline(order)
        publish(
            OrderCreated(
                order_id=order.pk,
                number=order.number,
                customer_id=order.customer_id,
                lines=tuple(line.fact for line in lines),
                total=Money(amount=order.total, currency=order.currency),
                retry_payment=order.retry_payment,
                **sealed(OrderCreated, subject, personal=order.personal, payment=order.payment),
            )
        )
    return order


def forget_idempotency_keys() -> Pruned:
    """Let Idempotency-Keys expire: an old one that comes again places a new order."""
    horizon = timezone.now() - settings.SHOP_IDEMPOTENCY_KEY_RETENTION
    with_key = Order.objects.exclude(idempotency_key="")
    return prune(with_key, by="placed_at", before=horizon, forget=_without_key)


def _without_key(orders: QuerySet[Order]) -> None:
    orders.update(idempotency_key="", request_fingerprint="")


# --- Decisions of people -----------------------------------------------------------------------


@unit_of_work()
def request_cancellation(*, order_id: UUID, reason: CancellationReason) -> Order:
    """Give an order up and ask shipping to stop it. Repeated requests are accepted.

    Raises:
        TooLateToCancel: the parcel has left, or the order is over.
    """
    order = repository.lock([order_id])[0]
    if order.stage == Status.CANCELLING:
        return order
    check_cancellable(order)
    was = order.status
    order.take(partial(cancellation_requested, reason=reason))
    store([order], came_from={order.pk: was})
    publish(OrderCancellationRequested(order_id=order.pk, reason=reason))
    return order


def check_cancellable(order: Order) -> None:
    """Raise TooLateToCancel if the order cannot be given up."""
    if not order.is_cancellable:
        raise TooLateToCancel(number=order.number, status=order.get_status_display().lower())


@unit_of_work()
def resume_order(*, order_id: UUID) -> Order:
    """Let an order that needs attention go on waiting where it was held up, with a new deadline.

    Raises:
        NotWaiting: it does not need attention.
        NothingToWaitFor: nothing more will come.
    """
    order = repository.lock([order_id])[0]
    check_resumable(order)
    publish(OrderResumed(order_id=order.pk, number=order.number, attention=order.attention_reason))
    order.take(history.resumed)
    store([order], came_from={order.pk: Status.NEEDS_ATTENTION})
    return order


def check_resumable(order: Order) -> None:
    """Raise NotWaiting or NothingToWaitFor if the order cannot go on waiting."""
    if order.status != Status.NEEDS_ATTENTION:
        raise NotWaiting(number=order.number, status=order.get_status_display().lower())
    if not order.is_resumable:
        remedy = _REMEDIES[AttentionReason(order.attention_reason)]
        raise NothingToWaitFor(
            number=order.number, why=order.reason_label[0].lower() + order.reason_label[1:], remedy=remedy
        )


@unit_of_work()
def settle_order(*, order_id: UUID, reason: str) -> Order:
    """End an order that needs attention and can no longer be cancelled, with a reason that is kept.

    Money, stock and parcel stay as they are.

    Raises:
        NotSettleable: it does not need attention.
        CancelInstead: its parcel has not left, and it is not being cancelled.
        ReasonMissing: the reason is empty.
    """
    order = repository.lock([order_id])[0]
    check_settleable(order)
    if not is_visible(reason):
        raise ReasonMissing(number=order.number)
    attention = order.attention_reason
    order.take(partial(history.settled, reason=reason.strip()[:MAX_SETTLEMENT]))
    store([order], came_from={order.pk: Status.NEEDS_ATTENTION})
    publish(
        OrderSettled(
            order_id=order.pk,
            number=order.number,
            attention=attention,
            reason=order.attention_note,
            cancel_reason=order.cancel_reason,
        )
    )
    return order


def check_settleable(order: Order) -> None:
    """Raise NotSettleable or CancelInstead if the order cannot be settled."""
    if order.status != Status.NEEDS_ATTENTION:
        raise NotSettleable(number=order.number, status=order.get_status_display().lower())
    if not order.is_settleable:
        raise CancelInstead(number=order.number)


# --- Decisions of the order doctor -------------------------------------------------------------


@unit_of_work()
def hold_up_order(*, order_id: UUID, seen: str, reason: str, note: str) -> bool:
    """Have an operator look at an order that was ``seen`` in this status; return True if it is held up.

    An order that has moved on meanwhile, needs attention anyway, is unpaid or has ended is left alone.
    """
    order = repository.lock([order_id])[0]
    if order.status != seen or order.status in (Status.PLACED, Status.NEEDS_ATTENTION):
        return False
    step = partial(held_up, reason=AttentionReason(reason), note=note[:MAX_NOTE])
    return take([(order_id, step)])[0].status == Status.NEEDS_ATTENTION


@unit_of_work()
def remind_of_deadline(*, order_id: UUID) -> bool:
    """Set the timer of a deadline that has passed again; return False if there is no such deadline."""
    order = repository.lock([order_id])[0]
    due = overdue_since(order)
    if due is None or due > timezone.now():
        return False
    remind_at(timezone.now(), order)
    return True


# --- Outcomes of the other contexts ------------------------------------------------------------


def record_outcomes(*, steps: Collection[tuple[UUID, Step]]) -> list[Order]:
    """Record what the other contexts did for orders; those for which all is undone are cancelled."""
    return follow(steps)


@unit_of_work()
def record_stock_taken(*, order_ids: Collection[UUID]) -> list[Order]:
    """Record that the stock serves orders, and have their money taken if the shop does not wait longer."""
    orders = follow([(order_id, history.stock_taken) for order_id in order_ids])
    if settings.SHOP_CAPTURE == "placed":
        for order in orders:
            if order.stage == Status.IN_FULFILMENT:
                publish(CaptureRequested(order_id=order.pk))
    return orders


def record_capture_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """Ask for attention where money that is due could not be taken."""
    return take([(order_id, history.capture_failed) for order_id in order_ids])


def record_delivery_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """Ask for attention where the carrier could not deliver."""
    return take([(order_id, history.delivery_failed) for order_id in order_ids])


def record_disputes(*, order_ids: Collection[UUID]) -> list[Order]:
    """Hold up orders whose payment is disputed and whose parcel has not left."""
    return take([(order_id, history.disputed) for order_id in order_ids])


@unit_of_work()
def end_dispute(*, order_id: UUID, won: bool) -> None:
    """Let an order that was held up for a dispute go on if the dispute is won, and was the last one."""
    (order,) = take([(order_id, partial(history.dispute_closed, won=won))])
    if won and order.open_disputes <= 0 and order.attention_reason == AttentionReason.DISPUTED:
        resume_order(order_id=order_id)


def record_resend_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """Ask for attention where the order could not be sent again."""
    return take([(order_id, history.resend_failed) for order_id in order_ids])


@unit_of_work()
def miss_deadline(*, order_id: UUID) -> Order:
    """Cancel an order that was not paid in time; ask for attention where another step is overdue.

    An order that has moved on since the timer was set gets the time of its present step.
    """
    order = repository.lock([order_id])[0]
    due = overdue_since(order)
    if due is None:
        logger.info("%s: a deadline passed, but it waits for nothing", order.number)
        return order
    if due > timezone.now():
        remind_at(due, order)
        return order
    if order.status == Status.PLACED:
        return request_cancellation(order_id=order_id, reason="payment_overdue")
    step, _ = DEADLINES[order.status]
    return take([(order_id, partial(held_up, reason=AttentionReason(f"{step}_overdue")))])[0]
