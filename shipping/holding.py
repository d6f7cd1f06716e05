"""Holds: a parcel waits while its order must not leave, and is booked afterwards if all else is ready."""

from uuid import UUID

from shipping import repository
from shipping.events import BookingDue
from shipping.models import Shipment
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import unit_of_work
from shop.messaging.scheduling import deliver


@unit_of_work()
def hold_shipment(*, order_id: UUID) -> None:
    """Keep the parcel of an order from being booked until release_shipment(); one that is booked leaves.

    Raises:
        TooEarly: shipping has not heard of the order.
    """
    shipment = _lock(order_id)
    if shipment.state == Shipment.State.REMEMBERED and not shipment.hold:
        shipment.hold = Shipment.Hold.ON_HOLD
        repository.store([shipment])


@unit_of_work()
def release_shipment(*, order_id: UUID) -> None:
    """End the hold of an order's parcel, and have it booked if the goods are there."""
    shipment = _lock(order_id)
    is_ready, shipment.hold = shipment.hold == Shipment.Hold.READY, ""
    repository.store([shipment])
    if is_ready:
        deliver(BookingDue(order_id=order_id))


def _lock(order_id: UUID) -> Shipment:
    found = repository.lock([order_id])
    if not found:
        raise TooEarly(f"shipping has not heard of order {order_id}")
    return found[0]
