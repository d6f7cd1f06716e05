"""Names of what events are about: an order, a product or a customer's data."""

from uuid import UUID

from shop.messaging.contracts import event_type
from shop.messaging.errors import UnknownEventType

_ORDER = "order"


def name_of(kind: str) -> str:
    """Return the name of what events of a type are about, as in "product"."""
    try:
        return event_type(kind).aggregate.removesuffix("_id")
    except UnknownEventType:
        return "aggregate"


def order_of(kind: str, aggregate_id: UUID) -> UUID | None:
    """Return the order that an event is about; None if it is about something else."""
    return aggregate_id if name_of(kind) == _ORDER else None
