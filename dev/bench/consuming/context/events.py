"""Two events of the same content, one for each consumer."""

from uuid import UUID

from shop.messaging.contracts import Event


class ParcelWeighed(Event):
    """Consumed in batches."""

    order_id: UUID
    parcel_id: UUID
    grams: int
    scale: str


class ParcelMeasured(Event):
    """Consumed one by one."""

    order_id: UUID
    parcel_id: UUID
    grams: int
    scale: str
