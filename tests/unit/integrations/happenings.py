"""Events of orders, published and taken up."""

from uuid import UUID

from integrations.taker import Taker
from orders.events import OrderCancelled, OrderResumed
from shop.ids import uuid7
from shop.messaging.contracts import Event
from shop.messaging.publishing import publish, unit_of_work

CANCELLED = OrderCancelled.type


def cancelled(order_id: UUID | None = None, *, taken_up: bool = True) -> Event:
    """Publish that an order was cancelled."""
    return happened(
        OrderCancelled(order_id=order_id or uuid7(), number="ORD-1042", reason="customer"), taken_up=taken_up
    )


def resumed(order_id: UUID) -> Event:
    """Publish that an order goes on."""
    return happened(OrderResumed(order_id=order_id, number="ORD-1042", attention="stock_overdue"))


def happened(event: Event, *, taken_up: bool = True) -> Event:
    with unit_of_work():
        published = publish(event)
    if taken_up:
        take_up_all()
    return published


def take_up_all() -> None:
    """Take up what the log has by now."""
    taker = Taker()
    while taker.take_up_part():
        pass
