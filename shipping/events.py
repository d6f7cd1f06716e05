"""Events of shipping, and its reminders."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from shop.messaging.contracts import Event, Fact, Reminder, Seals, from_clear


class Tracking(Fact):
    """Number that leads to the parcel at its carrier, and so to the recipient."""

    tracking_number: str

    @classmethod
    def erased(cls) -> "Tracking":
        """Return no number."""
        return cls(tracking_number="")


class Refusal(Fact):
    """The carrier's words, which may name the address."""

    message: str

    @classmethod
    def erased(cls) -> "Refusal":
        """Return no words."""
        return cls(message="")


class OrderShippedV1(Event):
    """The parcel is with the carrier. From before personal facts were sealed."""

    order_id: UUID
    shipment_id: UUID
    carrier: str
    tracking_number: str


class OrderShipped(Event, version=2, replaces=OrderShippedV1):
    """The parcel is with the carrier: the point of no return."""

    order_id: UUID
    shipment_id: UUID
    carrier: str
    #: The data subject whose key seals the facts; None in events from before.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Tracking)]

    @classmethod
    def upcast(cls, old: OrderShippedV1) -> Self:
        """Convert a shipment from before personal facts were sealed."""
        return from_clear(cls, old)


class ShipmentFailedV1(Event):
    """The carrier does not take the parcel. From before personal facts were sealed."""

    order_id: UUID
    shipment_id: UUID
    code: str
    message: str


class ShipmentFailed(Event, version=2, replaces=ShipmentFailedV1):
    """The carrier does not take the parcel; it never left."""

    order_id: UUID
    shipment_id: UUID
    code: str
    #: The data subject whose key seals the facts; None in events from before.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Refusal)]

    @classmethod
    def upcast(cls, old: ShipmentFailedV1) -> Self:
        """Convert a failure from before personal facts were sealed."""
        return from_clear(cls, old)


class OrderReshipped(Event):
    """The order was sent again: another parcel of it is with the carrier."""

    order_id: UUID
    shipment_id: UUID
    carrier: str
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Tracking)]


class ResendFailed(Event):
    """The order could not be sent again: the carrier does not take the parcel, or there are no goods."""

    order_id: UUID
    shipment_id: UUID
    #: The carrier's code, or ``out_of_stock``.
    code: str
    #: True if goods had been taken from the stock for it.
    took_goods: bool
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Refusal)]


class FulfilmentStopped(Event):
    """The parcel has not left and will not: whatever was done for the order may be undone."""

    order_id: UUID
    #: Why it was stopped: the reason of the cancellation request.
    reason: str


class CancellationRejected(Event):
    """It is too late to cancel: the parcel has left."""

    order_id: UUID
    reason: str


class OrderDelivered(Event):
    """The customer has the parcel."""

    order_id: UUID
    shipment_id: UUID
    delivered_at: datetime


class DeliveryFailed(Event):
    """The carrier could not deliver the parcel."""

    order_id: UUID
    shipment_id: UUID
    #: EasyPost's word for it: ``return_to_sender`` or ``failure``.
    status: str


class TrackingDue(Reminder):
    """The parcel may have moved; ask the carrier."""

    order_id: UUID
    shipment_id: UUID
    #: Number of this look, after the carrier has given the parcel up.
    late_look: int = 0


class CarrierNoticeReceived(Reminder, aggregate="notice_id"):
    """The carrier has sent word of a parcel; ask it for the present scans."""

    notice_id: UUID


class StopDue(Reminder):
    """An operator's stop may be unfinished, because the carrier did not answer; finish it."""

    order_id: UUID


class BookingDue(Reminder):
    """A hold has ended; book the parcel."""

    order_id: UUID
