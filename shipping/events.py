"""Events of shipping, and its reminders."""

from datetime import datetime
from uuid import UUID

from shop.messaging.contracts import Event, Reminder


class OrderShipped(Event):
    """The parcel is with the carrier: the point of no return."""

    order_id: UUID
    shipment_id: UUID
    carrier: str
    tracking_number: str


class ShipmentFailed(Event):
    """The carrier does not take the parcel; it never left."""

    order_id: UUID
    shipment_id: UUID
    code: str
    message: str


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
