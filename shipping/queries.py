"""Queries of shipping for other parts of the shop, answered with plain data."""

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
from shipping.models import Shipment, order_of_key


@dataclass(frozen=True, slots=True)
class TrackingInfo:
    """Scan of a parcel."""

    #: A value of EasyPost's API, such as ``out_for_delivery``.
    status: str
    time: datetime


@dataclass(frozen=True, slots=True)
class ShipmentInfo:
    """Shipment with its tracking events, as other parts of the shop see it."""

    id: UUID
    order_id: UUID
    order_number: str
    #: A value of :class:`shipping.models.Shipment.State`, such as ``shipped``.
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
    #: True if the parcel was handed to the carrier: it is too late to cancel.
    has_left: bool
    #: Oldest first.
    tracking: tuple[TrackingInfo, ...]


@dataclass(frozen=True, slots=True)
class OpenShipment:
    """Shipment of a parcel that is being booked or under way."""

    id: UUID
    order_id: UUID
    order_number: str
    state: str


@dataclass(frozen=True, slots=True)
class ParcelFacts:
    """State of an order's parcel in the shop's books and in the carrier's, for audits."""

    order_id: UUID
    #: State of the shipment; empty if only the carrier has the parcel.
    state: str
    has_left: bool
    #: Status of the label at the carrier: ``booked``, ``refused`` or ``voided``; empty if there is none.
    label: str
    #: Number of labels at the carrier under the booking's key.
    labels: int = 1
    #: True for the latest shipment of the order.
    is_latest: bool = True

    @property
    def agrees(self) -> bool:
        """True if both books agree: the parcel has left if, and only if, its label is booked."""
        if self.state == Shipment.State.BOOKING:
            return True
        return self.has_left == (self.label == LabelStatus.BOOKED)


@dataclass(frozen=True, slots=True)
class UnknownLabel:
    """Label in the carrier's books that the shop has no shipment of, as after a restore."""

    order_id: UUID
    key: str
    #: ``booked``, ``refused`` or ``voided``.
    status: str
    tracking_number: str


def unknown_labels() -> list[UnknownLabel]:
    """Return the labels in the carrier's books that belong to no shipment."""
    lines = {line.key: line for line in carrier_labels()}
    known = set(Shipment.objects.values_list("idempotency_key", flat=True).iterator()) if lines else set()
    return [
        UnknownLabel(order_of_key(key), key, line.status.value, line.tracking_number)
        for key, line in lines.items()
        if key not in known
    ]


def shipment_of(order_id: UUID) -> ShipmentInfo | None:
    """Return the latest shipment of an order; None before its OrderCreated is consumed."""
    shipment = Shipment.objects.filter(order_id=order_id).order_by("round").last()
    return _shipment_info(shipment) if shipment else None


def shipment(shipment_id: UUID) -> ShipmentInfo | None:
    """Return a shipment; None if there is none with this id."""
    found = Shipment.objects.filter(pk=shipment_id).first()
    return _shipment_info(found) if found else None


def unanswered_bookings(*, grace: timedelta) -> list[OpenShipment]:
    """Return shipments whose booking or stop has had no outcome for ``grace``."""
    asked = Q(state=Shipment.State.BOOKING) | Q(state=Shipment.State.REMEMBERED) & ~Q(stop_reason="")
    return _open_shipments(Shipment.objects.filter(asked, updated_at__lt=timezone.now() - grace))


def travelling_parcels(*, grace: timedelta) -> list[OpenShipment]:
    """Return shipments whose parcel left before ``grace`` and has not reached the end of its way."""
    left = Shipment.objects.filter(state=Shipment.State.SHIPPED, shipped_at__lt=timezone.now() - grace)
    return _open_shipments(left)


def _open_shipments(shipments: QuerySet[Shipment]) -> list[OpenShipment]:
    rows = shipments.order_by("id").values_list("id", "order_id", "order_number", "state")
    return [OpenShipment(*row) for row in rows]


def parcels() -> Iterator[ParcelFacts]:
    """Yield the parcels of all orders, for audits, also parcels that are in only one of the books.

    Sorted by order id. The books may differ for a moment while a parcel is being booked.
    """
    shipments = Shipment.objects.order_by("order_id", "round")
    rows = shipments.values_list("order_id", "idempotency_key", "state").iterator()
    carriers = sorted((order_of_key(line.key), line.key, line.status.value) for line in carrier_labels())
    ours = ((order_id, "state", key, state) for order_id, key, state in rows)
    theirs = ((order_id, "label", key, status) for order_id, key, status in carriers)
    for order_id, lines in groupby(merge(ours, theirs, key=itemgetter(0)), key=itemgetter(0)):
        yield from _parcels_of(order_id, list(lines))


def _parcels_of(order_id: UUID, lines: list[tuple[UUID, str, str, str]]) -> Iterator[ParcelFacts]:
    """Yield the parcels of an order, the first one first; those that only the carrier has come last."""
    states = {key: value for _, book, key, value in lines if book == "state"}
    labels = {key: value for _, book, key, value in lines if book == "label"}
    latest = next(reversed(states), "")
    for key in dict.fromkeys([*states, *labels]):
        number = sum(book == "label" and its == key for _, book, its, _ in lines)
        state, label = states.get(key, ""), labels.get(key, "")
        has_left = state in Shipment.HANDED_OVER
        yield ParcelFacts(order_id, state, has_left, label, labels=number, is_latest=key == latest)


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
