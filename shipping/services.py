"""Services of shipping: book parcels, track them, stop them.

Each service commits its intent, calls the carrier outside of transactions, under a key derived from the
intent, and records the answer in a unit of work with the event. It starts from the stored state, so that it
may run again after a crash at any point. The shipment's row lock decides between a parcel that leaves and a
stop: the first to commit wins.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from shipping import carrier_calls, outcomes, repository
from shipping.carrier import Destination, LabelPaper
from shipping.errors import NoLabel, NotStoppable, ShipmentKnown
from shipping.models import Shipment, shipping_key
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import unit_of_work
from shop.stored_texts import translated

#: Writes down who stops a shipment.
Note: TypeAlias = Callable[[Shipment], None]


def no_note(shipment: Shipment) -> None:
    """Write nothing down: the act has no actor."""


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """Number and destination of a new order."""

    order_id: UUID
    number: str
    destination: Destination


def remember_orders(*, orders: Iterable[PlacedOrder]) -> None:
    """Remember the destinations of new orders. An order that was stopped before stays stopped."""
    repository.add_new([_shipment(order) for order in orders])


def _shipment(order: PlacedOrder) -> Shipment:
    return Shipment(
        order_id=order.order_id,
        order_number=order.number,
        idempotency_key=shipping_key(order.order_id),
        **order.destination.parts,
    )


# --- Booking ---------------------------------------------------------------------------------


def book_shipments(*, order_ids: Sequence[UUID]) -> None:
    """Hand the parcels of orders to the carrier. Idempotent: each is booked once.

    Publishes OrderShipped or ShipmentFailed; nothing for an order that is on hold, or that is being stopped,
    whose label stop_shipment() voids.

    Raises:
        CarrierTimeout, CarrierUnavailable: some outcomes are unknown; call again.
        TooEarly: shipping has not heard of one of the orders; none is booked.
    """
    shipments = {shipment.order_id: shipment for shipment in _start_booking(order_ids)}
    labels = carrier_calls.book_each(shipments)
    with unit_of_work(leaving_out=labels.missing):
        outcomes.record_labels((shipments[order_id], label) for order_id, label in labels.given.items())
    labels.raise_first_error()


def _start_booking(order_ids: Sequence[UUID]) -> list[Shipment]:
    """Commit the intents to book; return the shipments being booked, without those stopped or on hold."""
    started = repository.start_booking(order_ids)
    if rest := set(order_ids).difference(shipment.order_id for shipment in started):
        return sorted([*started, *_started_before(rest)], key=attrgetter("order_id"))
    return started


def _started_before(order_ids: Collection[UUID]) -> list[Shipment]:
    """Return the shipments whose booking has started before; those on hold start when the hold ends.

    It starts after all for an order that was remembered, or let go, since the last statement.
    """
    known = list(Shipment.objects.filter(order_id__in=order_ids, round=1))
    if unknown := set(order_ids).difference(shipment.order_id for shipment in known):
        raise TooEarly(f"shipping has not heard of order {min(unknown)}")
    wanted = [shipment for shipment in known if not shipment.stop_requested]
    new = [shipment.order_id for shipment in wanted if shipment.state == Shipment.State.REMEMBERED]
    started = [shipment for shipment in wanted if shipment.state == Shipment.State.BOOKING]
    new = sorted(set(new) - repository.make_ready(new)) if new else []
    return [*started, *_start_booking(new)] if new else started


def reconcile_booking(*, order_id: UUID) -> Shipment:
    """Record the carrier's outcome of a booking whose consumer has stopped working on it.

    Publishes the events of book_shipments() or, if the order is to be stopped, of stop_shipment(). A parcel
    that is unknown to the carrier stays as it is.

    Raises:
        CarrierTimeout, CarrierUnavailable: the outcome is unknown; call again.
    """
    shipment = Shipment.objects.filter(order_id=order_id).latest("round")
    if shipment.can_be_stopped and shipment.stop_requested:
        return stop_shipment(order_id=order_id, reason=shipment.stop_reason)
    if shipment.state != Shipment.State.BOOKING:
        return shipment
    if label := carrier_calls.find_label(shipment):
        with unit_of_work():
            outcomes.record_labels([(shipment, label)])
        shipment.refresh_from_db()
    return shipment


# --- Stopping --------------------------------------------------------------------------------


def stop_shipment(*, order_id: UUID, reason: str, note: Note = no_note) -> Shipment:
    """Keep the parcel of an order from leaving, unless it has left; also of an order that comes later.

    Publishes FulfilmentStopped or CancellationRejected; neither if the shipment has failed or is stopped
    already. ``note`` is called in the transaction that commits the intent.

    Raises:
        CarrierTimeout, CarrierUnavailable: the outcome is unknown; call again.
    """
    shipment = _request_stop(order_id, reason, note)
    if shipment.state == Shipment.State.BOOKING:
        carrier_calls.void_label(shipment)
    with unit_of_work():
        return outcomes.record_stop(order_id, reason)


def _request_stop(order_id: UUID, reason: str, note: Note) -> Shipment:
    """Commit the intent to stop a shipment; an order without a shipment gets one that is to be stopped."""
    with transaction.atomic():
        shipment, is_new = repository.lock_or_add(Shipment.tombstone(order_id, reason=reason))
        if shipment.can_be_stopped and not is_new:
            shipment.request_stop(reason=reason)
            repository.store([shipment])
            note(shipment)
    return shipment


def void_shipment(*, shipment_id: UUID, note: Note = no_note) -> Shipment:
    """Stop a shipment, for an operator. ``note`` is called in the transaction that commits the intent.

    If the carrier does not answer, a reminder finishes the stop.

    Raises:
        NotStoppable: the parcel has left, or never will.
        CarrierTimeout, CarrierUnavailable: the outcome is unknown; call again.
    """
    shipment = Shipment.objects.get(pk=shipment_id)
    if not shipment.is_first:
        raise NotStoppable(gettext("a parcel that is sent again cannot be voided: keep it back by hand"))
    if not shipment.can_be_stopped:
        text = gettext("this shipment is {state}; only one that has not left can be voided")
        raise NotStoppable(text.format(state=translated(shipment.state)))

    def note_and_remind(stopped: Shipment) -> None:
        note(stopped)
        outcomes.finish_stop_later(stopped)

    return stop_shipment(order_id=shipment.order_id, reason="operator", note=note_and_remind)


def finish_stop(*, order_id: UUID) -> None:
    """Stop a shipment whose stop was requested and is unfinished.

    Raises:
        CarrierTimeout, CarrierUnavailable: the outcome is unknown; call again.
    """
    shipment = Shipment.objects.get(order_id=order_id, round=1)
    if shipment.can_be_stopped and shipment.stop_requested:
        stop_shipment(order_id=order_id, reason=shipment.stop_reason)


# --- Labels on paper ---------------------------------------------------------------------------


def paper_of(*, shipment_id: UUID) -> LabelPaper:
    """Return the label of a parcel to be printed, as the carrier has it.

    Raises:
        NoLabel: the carrier has none that is valid.
        CarrierTimeout, CarrierUnavailable: ask again.
    """
    shipment = Shipment.objects.get(pk=shipment_id)
    paper = carrier_calls.paper_of(shipment)
    if paper is None:
        state = translated(shipment.state)
        raise NoLabel(
            gettext("{shipment} ({state}) has no label to print").format(shipment=shipment, state=state)
        )
    return paper


# --- Tracking --------------------------------------------------------------------------------


def track_parcels(*, looks: Mapping[UUID, int]) -> None:
    """Record the scans of parcels, and schedule the next check of those under way: outages only delay it.

    Publishes OrderDelivered or DeliveryFailed at the end of a parcel's way.

    Args:
        looks: orders, with the number of this look after the carrier has given their parcels up, or 0.
    """
    under_way = Shipment.objects.filter(order_id__in=looks, state__in=Shipment.FOLLOWED)
    numbers = dict(under_way.values_list("id", "tracking_number"))
    scans = carrier_calls.track(list(numbers.values()))
    with unit_of_work():
        outcomes.record_scans(
            {shipment_id: scans.get(number, ()) for shipment_id, number in numbers.items()},
            looks=looks,
        )


def resume_tracking(*, shipment_id: UUID) -> Shipment:
    """Schedule the next check of a parcel whose reminder was lost."""
    with transaction.atomic():
        shipment = repository.lock_by_id(shipment_id)
        if shipment.state == Shipment.State.SHIPPED:
            outcomes.track_later(shipment)
    return shipment


# --- After a restore -------------------------------------------------------------------------


def void_lost_label(*, order_id: UUID, key: str) -> None:
    """Void a label of an order that a restore of the database has lost.

    Raises:
        ShipmentKnown: the shop has a shipment of this order.
        TooLateToVoid: the carrier has the parcel.
        CarrierTimeout, CarrierUnavailable: call again.
    """
    if Shipment.objects.filter(order_id=order_id).exists():
        raise ShipmentKnown(ShipmentKnown.__doc__)
    carrier_calls.void_key(key)
