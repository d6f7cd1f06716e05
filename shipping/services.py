"""What shipping does: book, track, stop. Every step looks at the state first, so that it may run again.

The carrier is called between transactions: the intent is committed, the carrier asked under a key that
follows from it, its answer committed together with the event that tells of it. The shipment's row lock
decides between a parcel that leaves and a stop: whichever commits first.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

from django.conf import settings
from django.db import transaction

from shipping.carrier import (
    GIVEN_UP,
    BookingRequest,
    CarrierTimeout,
    CarrierUnavailable,
    Destination,
    Label,
    LabelStatus,
    ParcelStatus,
    Scan,
    carrier,
)
from shipping.errors import NotStoppable
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
    TrackingDue,
)
from shipping.models import Shipment, TrackingEvent, shipping_key
from shop.messaging.errors import TooEarly
from shop.messaging.providers import call_each
from shop.messaging.publishing import publish, unit_of_work
from shop.messaging.scheduling import schedule
from shop.postgres import locking, statements

logger = logging.getLogger("shop.shipping")


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """What shipping has to know of an order."""

    order_id: UUID
    number: str
    destination: Destination


def remember_orders(*, orders: Iterable[PlacedOrder]) -> None:
    """Remember where the parcels of new orders go. An order that was stopped before stays stopped."""
    shipments = [
        Shipment(
            order_id=order.order_id,
            order_number=order.number,
            idempotency_key=shipping_key(order.order_id),
            name=order.destination.name,
            street=order.destination.street,
            city=order.destination.city,
            postal_code=order.destination.postal_code,
            country=order.destination.country,
        )
        for order in orders
    ]
    statements.insert_new(sorted(shipments, key=attrgetter("order_id")))


def book_shipments(*, order_ids: Sequence[UUID]) -> None:
    """Hand the parcels of orders to the carrier, each once, however often it is called.

    Publishes OrderShipped or ShipmentFailed; nothing if an order is being stopped, for whoever stops
    it voids the label and tells.

    Raises:
        CarrierTimeout, CarrierUnavailable: some are not known yet, or not booked; call again.
        TooEarly: shipping has not heard of one of the orders; none is booked.
    """
    booking = {shipment.order_id: shipment for shipment in _begin_booking(order_ids)}
    labels = call_each(booking, _book, call_together=_book_many)
    with unit_of_work(leaving_out=labels.missing):
        _settle([(booking[order_id], label) for order_id, label in labels.given.items()])
    labels.raise_first_error()


def stop_shipment(*, order_id: UUID, reason: str) -> Shipment:
    """Keep an order's parcel from leaving, unless it has; also one that shipping has not heard of.

    Publishes FulfilmentStopped or CancellationRejected; neither if the parcel never left and that has
    been told.

    Raises:
        CarrierTimeout, CarrierUnavailable: not known yet; call again.
    """
    shipment = _request_stop(order_id, reason)
    if shipment.state == Shipment.State.BOOKING:
        _void(shipment)
    with unit_of_work():
        return _answer_stop(order_id, reason)


def ask_about_booking(*, order_id: UUID) -> Shipment:
    """Take over what the carrier knows of a parcel that is still being booked, though nobody books it.

    Publishes what book_shipments() or, if the order is to be stopped, stop_shipment() publishes. A parcel
    that the carrier does not know stays as it is.

    Raises:
        CarrierTimeout, CarrierUnavailable: not known yet; call again.
    """
    shipment = Shipment.objects.get(order_id=order_id)
    if shipment.can_be_stopped and shipment.stop_requested:
        return stop_shipment(order_id=order_id, reason=shipment.stop_reason)
    if shipment.state != Shipment.State.BOOKING:
        return shipment
    if label := carrier().find_booking(key=shipment.idempotency_key):
        with unit_of_work():
            _settle([(shipment, label)])
        shipment.refresh_from_db()
    return shipment


def look_after_parcel(*, shipment_id: UUID) -> Shipment:
    """Have a worker ask the carrier about a parcel that nobody tracks any more."""
    with transaction.atomic():
        shipment = Shipment.objects.select_for_update().get(pk=shipment_id)
        if shipment.state == Shipment.State.SHIPPED:
            _track_later(shipment)
    return shipment


def void_shipment(*, shipment_id: UUID) -> Shipment:
    """Stop a shipment because an operator wants it.

    Raises:
        NotStoppable: the parcel has left, or never will.
        CarrierTimeout, CarrierUnavailable: not known yet; call again.
    """
    shipment = Shipment.objects.get(pk=shipment_id)
    if not shipment.can_be_stopped:
        raise NotStoppable(f"this shipment is {shipment.state}; only one that has not left can be voided")
    return stop_shipment(order_id=shipment.order_id, reason="operator")


def track_parcels(*, order_ids: Iterable[UUID]) -> None:
    """Ask the carrier where parcels are, and again later until they have arrived: outages only delay it.

    Publishes OrderDelivered or DeliveryFailed at the end of the way.
    """
    on_the_way = Shipment.objects.filter(order_id__in=order_ids, state=Shipment.State.SHIPPED)
    numbers = dict(on_the_way.values_list("order_id", "tracking_number"))
    scans = _track(list(numbers.values()))
    with unit_of_work():
        _record_scans({order_id: scans.get(number, ()) for order_id, number in numbers.items()})


# --- Booking ---------------------------------------------------------------------------------


def _begin_booking(order_ids: Sequence[UUID]) -> list[Shipment]:
    """Commit the intents to book, but for orders that are being stopped, and return what is to be booked."""
    begun = Shipment.start_booking(order_ids)
    if rest := set(order_ids).difference(shipment.order_id for shipment in begun):
        return sorted([*begun, *_begun_before(rest)], key=attrgetter("order_id"))
    return begun


def _begun_before(order_ids: Collection[UUID]) -> list[Shipment]:
    """Those of which the booking had begun already.

    It begins after all where the order was remembered since we looked, between two statements.
    """
    known = list(Shipment.objects.filter(order_id__in=order_ids))
    if unheard_of := set(order_ids).difference(shipment.order_id for shipment in known):
        raise TooEarly(f"shipping has not heard of order {min(unheard_of)}")
    wanted = [shipment for shipment in known if not shipment.stop_requested]
    new = [shipment.order_id for shipment in wanted if shipment.state == Shipment.State.REMEMBERED]
    begun = [shipment for shipment in wanted if shipment.state == Shipment.State.BOOKING]
    return [*begun, *_begin_booking(new)] if new else begun


def _book_many(shipments: Mapping[UUID, Shipment]) -> dict[UUID, Label]:
    """The labels of those parcels that the carrier could take in one call."""
    keys = {shipment.idempotency_key: order_id for order_id, shipment in shipments.items()}
    parcels = [BookingRequest(parcel.idempotency_key, parcel.destination) for parcel in shipments.values()]
    return {keys[key]: label for key, label in carrier().book_many(parcels).items()}


def _book(shipment: Shipment) -> Label:
    try:
        return carrier().book(key=shipment.idempotency_key, to=shipment.destination)
    except CarrierTimeout:
        return _found_label(shipment)


def _found_label(shipment: Shipment) -> Label:
    """The outcome of a call without an answer; if there is none, it may still be under way."""
    label = carrier().find_booking(key=shipment.idempotency_key)
    if label is None:
        raise CarrierTimeout(f"the carrier has not answered about {shipment.idempotency_key}")
    return label


def _settle(answers: Iterable[tuple[Shipment, Label]]) -> None:
    """Take over the carrier's answers, but where somebody else did or the order is being stopped."""
    shipments = []
    for shipment, label in answers:
        _take_over(shipment, label)
        shipments.append(shipment)
    for shipment in Shipment.store_answers(shipments):
        if shipment.has_left:
            _tell_shipped(shipment)
        else:
            _tell_failed(shipment)


def _take_over(shipment: Shipment, label: Label) -> None:
    if label.status == LabelStatus.BOOKED:
        shipment.ship(label)
    else:
        shipment.fail(label)


def _tell_shipped(shipment: Shipment) -> None:
    _track_later(shipment)
    publish(
        OrderShipped(
            order_id=shipment.order_id,
            shipment_id=shipment.id,
            carrier=shipment.carrier,
            tracking_number=shipment.tracking_number,
        )
    )


def _tell_failed(shipment: Shipment) -> None:
    publish(
        ShipmentFailed(
            order_id=shipment.order_id,
            shipment_id=shipment.id,
            code=shipment.failure_code,
            message=shipment.failure_message,
        )
    )


# --- Stopping --------------------------------------------------------------------------------


def _request_stop(order_id: UUID, reason: str) -> Shipment:
    """Freeze what has not left; an order that was not heard of yet becomes a tombstone."""
    tombstone = {"idempotency_key": shipping_key(order_id), "stop_reason": reason}
    with transaction.atomic():
        locked = Shipment.objects.select_for_update()
        shipment, created = locked.get_or_create(order_id=order_id, defaults=tombstone)
        if shipment.can_be_stopped and not created:
            shipment.request_stop(reason=reason)
            Shipment.store([shipment])
    return shipment


def _void(shipment: Shipment) -> None:
    """Withdraw the label, or see to it that none is made; a refused one is as good."""
    try:
        carrier().void(key=shipment.idempotency_key)
    except CarrierTimeout:
        if _found_label(shipment).status == LabelStatus.BOOKED:
            raise


def _answer_stop(order_id: UUID, reason: str) -> Shipment:
    [shipment] = _locked([order_id])
    if shipment.can_be_stopped:
        shipment.stop()
        Shipment.store([shipment])
        publish(FulfilmentStopped(order_id=order_id, reason=shipment.stop_reason))
    elif shipment.has_left:
        publish(CancellationRejected(order_id=order_id, reason=reason))
    return shipment


# --- Tracking --------------------------------------------------------------------------------


def _track(numbers: Sequence[str]) -> Mapping[str, Sequence[Scan]]:
    try:
        return carrier().track(tracking_numbers=numbers) if numbers else {}
    except (CarrierTimeout, CarrierUnavailable) as error:
        logger.warning("%d parcels are asked after again later: %r", len(numbers), error)
        return {}


def _record_scans(scans: Mapping[UUID, Sequence[Scan]]) -> None:
    """Write down what is new, and tell of what is at the end of its way."""
    shipments = [shipment for shipment in _locked(scans) if shipment.state == Shipment.State.SHIPPED]
    events = [
        TrackingEvent(shipment=shipment, status=scan.status.value, time=scan.time)
        for shipment in shipments
        for scan in scans[shipment.order_id]
    ]
    TrackingEvent.objects.bulk_create(events, ignore_conflicts=True)
    for shipment in shipments:
        _follow(shipment, scans[shipment.order_id])
    Shipment.store(shipments)


def _follow(shipment: Shipment, scans: Sequence[Scan]) -> None:
    last = scans[-1] if scans else None
    if last and last.status == ParcelStatus.DELIVERED:
        _deliver(shipment, last)
    elif last and last.status in GIVEN_UP:
        _give_up(shipment, last)
    else:
        _go_on(shipment, last)


def _deliver(shipment: Shipment, scan: Scan) -> None:
    shipment.deliver(at=scan.time)
    publish(OrderDelivered(order_id=shipment.order_id, shipment_id=shipment.id, delivered_at=scan.time))


def _give_up(shipment: Shipment, scan: Scan) -> None:
    shipment.give_up(scan.status)
    publish(DeliveryFailed(order_id=shipment.order_id, shipment_id=shipment.id, status=scan.status.value))


def _go_on(shipment: Shipment, scan: Scan | None) -> None:
    if scan:
        shipment.moved(scan.status)
    _track_later(shipment)


def _track_later(shipment: Shipment) -> None:
    due = datetime.now(UTC) + settings.SHOP_TRACKING_INTERVAL
    schedule(TrackingDue(order_id=shipment.order_id, shipment_id=shipment.id), at=due)


def _locked(order_ids: Iterable[UUID]) -> list[Shipment]:
    """The shipments of these orders, locked in the order of their keys."""
    return locking.locked(Shipment, "order_id", list(order_ids))
