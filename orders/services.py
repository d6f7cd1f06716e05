"""What orders does: accept orders, follow what the other contexts make of them, and give them up.

What the events of other contexts tell comes in sets of orders, so that few statements serve a batch.
Events may come late, early and twice; the model decides what they still mean.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from inventory import queries as inventory
from orders import intake, placed
from orders.changes import Step, change, locked, move_deadline, overdue_since, remind_at, store
from orders.errors import IdempotencyKeyReused, NotWaiting, TooLateToCancel
from orders.events import (
    Address,
    CancellationReason,
    OrderCancellationRequested,
    OrderCreated,
)
from orders.intake import Item, Offer
from orders.models import Order, OrderLine
from orders.states import DEADLINES, AttentionReason, CancelReason, Status
from shop.messaging.consuming.inbox import effects
from shop.messaging.contracts import Money
from shop.messaging.outbox.unit_of_work import defer_write, single_statement
from shop.messaging.pruning import Pruned, prune
from shop.messaging.publishing import publish
from shop.postgres.combined_selects import fetch_together
from shop.postgres.writes import insertion

logger = logging.getLogger(__name__)


# --- Intake ----------------------------------------------------------------------------------


def place_order(
    *,
    customer: User,
    lines: Iterable[tuple[str, int]],
    ship_to: Address,
    payment_method: str,
    idempotency_key: str = "",
) -> Order:
    """Accept an order of (SKU, quantity) at the catalogue's prices; all that follows does so by itself.

    The same customer's same key and request give the order of the first time.

    Raises:
        InvalidOrder: with every problem found, by field.
        IdempotencyKeyReused: the key came with another request before.
    """
    items = [Item(*line) for line in lines]
    order = Order(
        customer=customer,
        customer_name=customer.get_full_name() or customer.get_username(),
        customer_email=customer.email,
        payment_method=payment_method,
        idempotency_key=idempotency_key,
        request_fingerprint=intake.fingerprint(items, ship_to, payment_method),
        **{f"ship_{name}": value for name, value in ship_to.model_dump().items()},
    )
    return _placed_before(order) or _place(order, items)


def _placed_before(order: Order) -> Order | None:
    if not order.idempotency_key:
        return None
    same_key = Order.objects.filter(customer=order.customer, idempotency_key=order.idempotency_key)
    earlier = same_key.first()
    if earlier and earlier.request_fingerprint != order.request_fingerprint:
        raise IdempotencyKeyReused(key=order.idempotency_key)
    return earlier


def _place(order: Order, items: list[Item]) -> Order:
    intake.check_request(items, order.ship_to, order.payment_method)
    skus = [item.sku for item in items]
    offers, keys = fetch_together(inventory.prices_of(skus), placed.keys_for(len(items)))
    intake.check_offers(items, offers)
    order.total = intake.total_of(items, offers)
    order.currency = offers[items[0].sku].currency
    lines = [_line(order, item, offers) for item in items]
    keys.give(order, lines)
    try:
        return _accept(order, lines)
    except IntegrityError:
        # The same request was accepted in parallel.
        if earlier := _placed_before(order):
            return earlier
        raise


def _line(order: Order, item: Item, offers: Mapping[str, Offer]) -> OrderLine:
    offer = offers[item.sku]
    return OrderLine(
        order=order,
        sku=item.sku,
        name=offer.name,
        quantity=item.quantity,
        unit_price=offer.unit_price,
        currency=offer.currency,
    )


def _accept(order: Order, lines: list[OrderLine]) -> Order:
    with single_statement():
        defer_write(insertion([order]), insertion(lines))
        move_deadline(order)
        publish(
            OrderCreated(
                order_id=order.pk,
                number=order.number,
                customer_id=order.customer_id,
                customer_name=order.customer_name,
                customer_email=order.customer_email,
                lines=tuple(line.fact for line in lines),
                total=Money(amount=order.total, currency=order.currency),
                payment_method=order.payment_method,
                ship_to=order.ship_to,
            )
        )
    _remember_lines(order, lines)
    return order


def _remember_lines(order: Order, lines: list[OrderLine]) -> None:
    """Spare whoever shows the order the query for what was just written."""
    known = order.lines.all()
    known._result_cache = lines
    order._prefetched_objects_cache = {"lines": known}  # type: ignore[attr-defined]


def forget_idempotency_keys() -> Pruned:
    """Let Idempotency-Keys expire: an old one that comes again places a new order."""
    horizon = timezone.now() - settings.SHOP_IDEMPOTENCY_KEY_RETENTION
    with_key = Order.objects.exclude(idempotency_key="")
    return prune(with_key, by="placed_at", before=horizon, forget=_without_key)


def _without_key(orders: QuerySet[Order]) -> None:
    orders.update(idempotency_key="", request_fingerprint="")


# --- What people decide ------------------------------------------------------------------------


@effects()
def request_cancellation(*, order_id: UUID, reason: CancellationReason) -> Order:
    """Give an order up and ask shipping to stop it. Asking again while it is being cancelled is fine.

    Raises:
        TooLateToCancel: the parcel has left, or the order is over.
    """
    order = locked([order_id])[0]
    if order.stage == Status.CANCELLING:
        return order
    if not order.is_cancellable:
        raise TooLateToCancel(number=order.number, status=order.get_status_display().lower())
    was = order.status
    order.give_up(reason)
    store([order], came_from={order.pk: was})
    publish(OrderCancellationRequested(order_id=order.pk, reason=reason))
    return order


@effects()
def resume_order(*, order_id: UUID) -> Order:
    """Let an order that needs attention go on waiting where it was held up, with a new deadline.

    Raises:
        NotWaiting: it does not need attention.
    """
    order = locked([order_id])[0]
    if order.status != Status.NEEDS_ATTENTION:
        raise NotWaiting(number=order.number, status=order.get_status_display().lower())
    order.resume()
    store([order], came_from={order.pk: Status.NEEDS_ATTENTION})
    return order


# --- What the doctor decides -------------------------------------------------------------------


@effects()
def hold_up_order(*, order_id: UUID, seen: str, reason: str, note: str) -> bool:
    """Have an operator look at an order that was ``seen`` in this status; say whether it came to that.

    It does not if the order has moved on meanwhile, needs attention anyway, has not been paid or is over.
    """
    order = locked([order_id])[0]
    if order.status != seen or order.status in (Status.PLACED, Status.NEEDS_ATTENTION):
        return False
    return _hold_up([order_id], AttentionReason(reason), note=note[:300])[0].status == Status.NEEDS_ATTENTION


@effects()
def remind_of_deadline(*, order_id: UUID) -> bool:
    """Put back the reminder of a deadline that has passed; say whether there is one to be reminded of."""
    order = locked([order_id])[0]
    due = overdue_since(order)
    if due is None or due > timezone.now():
        return False
    remind_at(timezone.now(), order)
    return True


# --- What the other contexts tell ---------------------------------------------------------------


def record_payments(*, order_ids: Collection[UUID]) -> list[Order]:
    """The customers have been charged."""
    return _advance(order_ids, Status.PAID)


def record_deductions(*, order_ids: Collection[UUID]) -> list[Order]:
    """The stock serves the orders; they are being fulfilled."""
    return _advance(order_ids, Status.IN_FULFILMENT)


def record_shipments(*, order_ids: Collection[UUID]) -> list[Order]:
    """The parcels have left, even if somebody wanted them stopped."""
    return _advance(order_ids, Status.SHIPPED)


def record_deliveries(*, order_ids: Collection[UUID]) -> list[Order]:
    """The customers have their parcels."""
    return _advance(order_ids, Status.DELIVERED)


def record_payment_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """Nothing was charged, so nothing was taken either: the orders are off."""
    return _give_up(order_ids, CancelReason.PAYMENT_FAILED, payment_undone=True, stock_undone=True)


def record_rejections(*, order_ids: Collection[UUID]) -> list[Order]:
    """The stock cannot serve the orders; they are off once the money is back."""
    return _give_up(order_ids, CancelReason.OUT_OF_STOCK, stock_undone=True)


def record_shipment_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """The carrier does not take the parcels; the orders are off once goods and money are back."""
    return _give_up(order_ids, CancelReason.SHIPMENT_FAILED)


def record_stop(*, order_id: UUID, reason: str) -> Order:
    """Shipping has stopped the order; it is off once goods and money are back."""
    return _give_up([order_id], CancelReason(reason))[0]


def record_undone_payments(*, order_ids: Collection[UUID]) -> list[Order]:
    """The customers have their money."""
    return change(order_ids, lambda order: order.note_undone(payment=True), Order.go_on_cancelling)


def record_undone_stock(*, order_ids: Collection[UUID]) -> list[Order]:
    """The stock has its goods."""
    return change(order_ids, lambda order: order.note_undone(stock=True), Order.go_on_cancelling)


def record_refund_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """The money could not be given back: an operator has to, unless it came back meanwhile."""
    return _hold_up(order_ids, AttentionReason.REFUND_FAILED, unless=lambda order: order.payment_undone)


def record_delivery_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """The carrier could not deliver: an operator has to talk to the customer."""
    return _hold_up(order_ids, AttentionReason.DELIVERY_FAILED)


@effects()
def miss_deadline(*, order_id: UUID) -> Order:
    """Cancel an order that was not paid in time; have an operator look at one that got no answer.

    One that has moved on since the reminder was made is given the time that its present step has.
    """
    order = locked([order_id])[0]
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
    return _hold_up([order_id], AttentionReason(f"{step}_overdue"))[0]


def _advance(order_ids: Collection[UUID], to: Status) -> list[Order]:
    return change(order_ids, lambda order: order.advance(to))


def _give_up(
    order_ids: Collection[UUID],
    reason: CancelReason,
    *,
    payment_undone: bool = False,
    stock_undone: bool = False,
) -> list[Order]:
    return change(
        order_ids,
        lambda order: order.note_undone(payment=payment_undone, stock=stock_undone),
        lambda order: order.give_up(reason),
        Order.go_on_cancelling,
    )


def _hold_up(
    order_ids: Collection[UUID],
    reason: AttentionReason,
    unless: Step = lambda order: False,
    note: str = "",
) -> list[Order]:
    return change(order_ids, lambda order: not unless(order) and order.need_attention(reason, note))
