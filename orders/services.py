"""What orders does: accept orders, follow what the other contexts make of them, and give them up.

What the events of other contexts change comes in sets of orders, locked in the order of their ids:
one statement serves a whole batch. Events may come late, early and twice; the model decides what
they still mean.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError
from django.utils import timezone

from inventory import queries as inventory
from orders import intake
from orders.errors import IdempotencyKeyReused, NotWaiting, TooLateToCancel, UnknownOrder
from orders.events import (
    Address,
    CancellationReason,
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderDeadlinePassed,
    OrderNeedsAttention,
)
from orders.intake import Item, Offer
from orders.models import Order, OrderLine
from orders.states import DEADLINES, AttentionReason, CancelReason, Status
from shop.messaging.contracts import Money
from shop.messaging.inbox import effects
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule, unschedule

logger = logging.getLogger(__name__)

#: Changes an order and says whether it did.
Step = Callable[[Order], bool]
#: The columns that steps change.
CHANGEABLE = ("status", "cancel_reason", "attention_reason", "payment_undone", "stock_undone")


# --- Intake ----------------------------------------------------------------------------------


def place_order(
    *,
    customer: AbstractUser,
    lines: Iterable[tuple[str, int]],
    ship_to: Address,
    payment_method: str,
    idempotency_key: str = "",
) -> Order:
    """Accept an order of (SKU, quantity) at the catalogue's prices; payment, stock and parcel follow by themselves.

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
    offers = inventory.prices([item.sku for item in items])
    intake.check_offers(items, offers)
    order.total = intake.total_of(items, offers)
    order.currency = offers[items[0].sku].currency
    try:
        return _accept(order, [_line(order, item, offers) for item in items])
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


@effects()
def _accept(order: Order, lines: list[OrderLine]) -> Order:
    order.save(force_insert=True)
    OrderLine.objects.bulk_create(lines)
    _move_deadline(order)
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
    return order


# --- What people decide ------------------------------------------------------------------------


@effects()
def request_cancellation(*, order_id: UUID, reason: CancellationReason) -> Order:
    """Give an order up and ask shipping to stop it. Asking again while it is being cancelled is fine.

    Raises:
        TooLateToCancel: the parcel has left, or the order is over.
    """
    order = _locked([order_id])[0]
    if order.stage == Status.CANCELLING:
        return order
    if not order.is_cancellable:
        raise TooLateToCancel(number=order.number, status=order.get_status_display().lower())
    order.give_up(reason)
    _store([order], moved=[order])
    publish(OrderCancellationRequested(order_id=order.pk, reason=reason))
    return order


@effects()
def resume_order(*, order_id: UUID) -> Order:
    """Let an order that needs attention go on waiting where it was held up, with a new deadline.

    Raises:
        NotWaiting: it does not need attention.
    """
    order = _locked([order_id])[0]
    if order.status != Status.NEEDS_ATTENTION:
        raise NotWaiting(number=order.number, status=order.get_status_display().lower())
    order.resume()
    _store([order], moved=[order])
    return order


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
    return _change(order_ids, lambda order: order.note_undone(payment=True), Order.finish_cancelling)


def record_undone_stock(*, order_ids: Collection[UUID]) -> list[Order]:
    """The stock has its goods."""
    return _change(order_ids, lambda order: order.note_undone(stock=True), Order.finish_cancelling)


def record_refund_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """The money could not be given back: an operator has to, unless it came back meanwhile."""
    return _hold_up(order_ids, AttentionReason.REFUND_FAILED, unless=lambda order: order.payment_undone)


def record_delivery_failures(*, order_ids: Collection[UUID]) -> list[Order]:
    """The carrier could not deliver: an operator has to talk to the customer."""
    return _hold_up(order_ids, AttentionReason.DELIVERY_FAILED)


@effects()
def miss_deadline(*, order_id: UUID, step: str) -> Order:
    """Cancel an order that was not paid in time; have an operator look at one that got no answer."""
    order = _locked([order_id])[0]
    waits_for, _ = DEADLINES.get(order.status, ("nothing", ""))
    if waits_for != step:
        logger.info("%s: the deadline for %s passed, but it waits for %s", order.number, step, waits_for)
        return order
    if order.status == Status.PLACED:
        return request_cancellation(order_id=order_id, reason="payment_overdue")
    return _hold_up([order_id], AttentionReason(f"{step}_overdue"))[0]


def _advance(order_ids: Collection[UUID], to: Status) -> list[Order]:
    return _change(order_ids, lambda order: order.advance(to))


def _give_up(
    order_ids: Collection[UUID],
    reason: CancelReason,
    *,
    payment_undone: bool = False,
    stock_undone: bool = False,
) -> list[Order]:
    return _change(
        order_ids,
        lambda order: order.note_undone(payment=payment_undone, stock=stock_undone),
        lambda order: order.give_up(reason),
        Order.finish_cancelling,
    )


def _hold_up(
    order_ids: Collection[UUID], reason: AttentionReason, unless: Step = lambda order: False
) -> list[Order]:
    return _change(order_ids, lambda order: not unless(order) and order.need_attention(reason))


@effects()
def _change(order_ids: Collection[UUID], *steps: Step) -> list[Order]:
    """Take every step with every order; store, time and tell what came of it."""
    orders = _locked(order_ids)
    before = {order.pk: (order.status, order.attention_reason) for order in orders}
    changed = [order for order in orders if any([step(order) for step in steps])]
    moved = [order for order in changed if (order.status, order.attention_reason) != before[order.pk]]
    _store(changed, moved)
    for order in moved:
        _announce(order)
    return orders


def _locked(order_ids: Collection[UUID]) -> list[Order]:
    wanted = set(order_ids)
    found = Order.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    orders = list(found)
    if missing := wanted - {order.pk for order in orders}:
        raise UnknownOrder(order=", ".join(map(str, sorted(missing))))
    return orders


def _store(changed: Collection[Order], moved: Collection[Order]) -> None:
    alike: defaultdict[tuple[object, ...], list[UUID]] = defaultdict(list)
    for order in changed:
        alike[tuple(getattr(order, name) for name in CHANGEABLE)].append(order.pk)
    for values, ids in alike.items():
        new = dict(zip(CHANGEABLE, values, strict=True))
        Order.objects.filter(pk__in=ids).update(**new, changed_at=timezone.now())
    for order in moved:
        _move_deadline(order)


def _move_deadline(order: Order) -> None:
    if order.status not in DEADLINES:
        unschedule(OrderDeadlinePassed, order.pk)
        return
    step, setting = DEADLINES[order.status]
    due = timezone.now() + getattr(settings, setting)
    schedule(OrderDeadlinePassed(order_id=order.pk, step=step), at=due)


def _announce(order: Order) -> None:
    if order.status == Status.CANCELLED:
        publish(OrderCancelled(order_id=order.pk, number=order.number, reason=order.cancel_reason))
    elif order.status == Status.NEEDS_ATTENTION:
        publish(OrderNeedsAttention(order_id=order.pk, number=order.number, reason=order.attention_reason))
