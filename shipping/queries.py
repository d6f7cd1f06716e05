"""What others may ask shipping, answered in plain data."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from shipping.carrier import Destination, LabelStatus, carrier_labels
from shipping.models import Shipment, shipping_key


@dataclass(frozen=True, slots=True)
class TrackingInfo:
    """Where a parcel was, and when."""

    #: EasyPost's word, as in ``out_for_delivery``.
    status: str
    time: datetime


@dataclass(frozen=True, slots=True)
class ShipmentInfo:
    """A shipment with its tracking events, as other parts of the shop may see it."""

    id: UUID
    order_id: UUID
    order_number: str
    #: A word of :class:`shipping.models.Shipment.State`, as in ``shipped``.
    state: str
    destination: Destination
    carrier: str
    tracking_number: str
    tracking_status: str
    failure_code: str
    failure_message: str
    stop_reason: str
    shipped_at: datetime | None
    delivered_at: datetime | None
    #: The parcel was handed to the carrier: it is too late to cancel.
    has_left: bool
    #: Oldest first.
    tracking: tuple[TrackingInfo, ...]


@dataclass(frozen=True, slots=True)
class ParcelOnItsWay:
    """A shipment that has not come to its end."""

    id: UUID
    order_id: UUID
    order_number: str
    state: str


@dataclass(frozen=True, slots=True)
class ParcelFacts:
    """What an audit needs to know of an order's parcel, from our books and the carrier's."""

    order_id: UUID
    #: Empty if only the carrier knows it.
    state: str
    has_left: bool
    #: The label at the carrier: ``booked``, ``refused``, ``voided``, or empty if there is none.
    label: str

    @property
    def agrees(self) -> bool:
        """A parcel has left exactly if its label is good at the carrier, or is just being booked."""
        if self.state == Shipment.State.BOOKING:
            return True
        return self.has_left == (self.label == LabelStatus.BOOKED)


def shipment_of(order_id: UUID) -> ShipmentInfo | None:
    """The shipment of an order with its tracking events; None before shipping heard of the order."""
    shipment = Shipment.objects.filter(order_id=order_id).first()
    return _shipment_info(shipment) if shipment else None


def unanswered_bookings(*, grace: timedelta) -> list[ParcelOnItsWay]:
    """Parcels that the carrier was asked to take, or that are to be stopped, for longer than ``grace``."""
    asked = Q(state=Shipment.State.BOOKING) | Q(state=Shipment.State.REMEMBERED) & ~Q(stop_reason="")
    return _on_their_way(Shipment.objects.filter(asked, updated_at__lt=timezone.now() - grace))


def travelling_parcels(*, grace: timedelta) -> list[ParcelOnItsWay]:
    """Parcels that left more than ``grace`` ago and have not come to the end of their way."""
    left = Shipment.objects.filter(state=Shipment.State.SHIPPED, shipped_at__lt=timezone.now() - grace)
    return _on_their_way(left)


def _on_their_way(shipments: QuerySet[Shipment]) -> list[ParcelOnItsWay]:
    rows = shipments.order_by("id").values_list("id", "order_id", "order_number", "state")
    return [ParcelOnItsWay(*row) for row in rows]


def parcels() -> Iterator[ParcelFacts]:
    """For audits: the parcels of all orders, also those that only one of the two books knows.

    Streamed by order. Read while parcels are being booked, the books may differ for a moment.
    """
    shipments = Shipment.objects.order_by("order_id").values_list("order_id", "state").iterator()
    ours = ((order_id, "state", state) for order_id, state in shipments)
    carriers = sorted((_order_of(line.key), "label", line.status.value) for line in carrier_labels())
    books = merge(ours, carriers, key=itemgetter(0))
    for order_id, lines in groupby(books, key=itemgetter(0)):
        known = {what: value for _, what, value in lines}
        state, label = known.get("state", ""), known.get("label", "")
        yield ParcelFacts(order_id, state, has_left=state in Shipment.GONE, label=label)


def _order_of(key: str) -> UUID:
    return UUID(key.removeprefix(shipping_key("")))


def _shipment_info(shipment: Shipment) -> ShipmentInfo:
    return ShipmentInfo(
        id=shipment.id,
        order_id=shipment.order_id,
        order_number=shipment.order_number,
        state=shipment.state,
        destination=shipment.destination,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        tracking_status=shipment.tracking_status,
        failure_code=shipment.failure_code,
        failure_message=shipment.failure_message,
        stop_reason=shipment.stop_reason,
        shipped_at=shipment.shipped_at,
        delivered_at=shipment.delivered_at,
        has_left=shipment.has_left,
        tracking=tuple(TrackingInfo(event.status, event.time) for event in shipment.tracking_events.all()),
    )
