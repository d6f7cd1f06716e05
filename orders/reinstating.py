"""Reinstatement of orders that a restore of the database has lost and a newer broker still tells of.

An order comes back under its own id and number, at its own prices. So the providers answer its charge and its
booking as before, under the same keys, and nothing is charged or booked twice.
"""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from orders.deadlines import move_deadline
from orders.errors import NotReinstatable
from orders.events import Customer, OrderCreated, OrderedLine
from orders.models import MAX_NAME, NUMBER_PREFIX, Order, OrderLine
from shop.ids import uuid7_time
from shop.messaging.contracts import ERASED
from shop.messaging.publishing import publish, unit_of_work
from shop.privacy.errors import SealBroken, UnknownSubject
from shop.privacy.sealing import open_sealed


def reinstate_order(*, event: OrderCreated) -> Order:
    """Accept an order again as its event tells it; everything after that follows by events, as ever.

    Raises:
        NotReinstatable: it exists, its customer is not known any more, or was forgotten.
    """
    customer = User.objects.filter(pk=event.customer_id).first()
    if customer is None:
        raise NotReinstatable(number=event.number, why="its account was made in the lost time")
    personal = _personal(event)
    order = _order(event, customer, personal)
    lines = [_line(order, fact) for fact in event.lines]
    try:
        with transaction.atomic():
            _accept(event, order, lines)
    except IntegrityError:
        raise NotReinstatable(number=event.number, why="there is an order with its id or number") from None
    return order


def _personal(event: OrderCreated) -> Customer:
    try:
        [personal] = open_sealed([event], Customer)
    except (UnknownSubject, SealBroken):
        raise NotReinstatable(
            number=event.number, why="the key of its customer was made in the lost time"
        ) from None
    if personal.customer_name == personal.ship_to.street == ERASED:
        raise NotReinstatable(number=event.number, why="its customer was forgotten")
    return personal


def _order(event: OrderCreated, customer: User, personal: Customer) -> Order:
    return Order(
        pk=event.order_id,
        serial=int(event.number.removeprefix(NUMBER_PREFIX)),
        customer=customer,
        customer_name=personal.customer_name[:MAX_NAME],
        customer_email=personal.customer_email,
        payment_method="",  # payments alone may open it
        total=event.total.amount,
        currency=event.total.currency,
        retry_payment=event.retry_payment,
        placed_at=uuid7_time(event.order_id),
        **{f"ship_{name}": value for name, value in personal.ship_to.model_dump().items()},
    )


def _line(order: Order, fact: OrderedLine) -> OrderLine:
    return OrderLine(
        order=order,
        sku=fact.sku,
        name=fact.name,
        quantity=fact.quantity,
        unit_price=fact.unit_price.amount,
        currency=fact.unit_price.currency,
    )


def _accept(event: OrderCreated, order: Order, lines: list[OrderLine]) -> None:
    with unit_of_work():
        order.save(force_insert=True)
        OrderLine.objects.bulk_create(lines)
        move_deadline(order)
        publish(event.model_copy())
