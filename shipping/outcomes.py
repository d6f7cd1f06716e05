"""Outcomes of bookings, stops and tracking, stored and published in the caller's unit of work."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

from shipping import repository
from shipping.carrier import GIVEN_UP, Label, LabelStatus, ParcelStatus, Scan
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderReshipped,
    OrderShipped,
    Refusal,
    ResendFailed,
    ShipmentFailed,
    StopDue,
    Tracking,
    TrackingDue,
)
from shipping.models import Shipment, TrackingEvent
from shop.messaging.publishing import publish
from shop.messaging.scheduling import schedule
from shop.privacy.data_keys import DataKey
from shop.privacy.order_keys import keys_of_orders
from shop.privacy.sealing import sealed

#: Time after which an operator's stop is attempted again.
STOP_PAUSE = timedelta(minutes=1)
#: Looks at a parcel that the carrier has given up, and the time between two.
LATE_LOOKS, LATE_PAUSE = 14, timedelta(days=1)
#: Failure code of a parcel for which there are no goods.
OUT_OF_STOCK = "out_of_stock"


def record_labels(labels: Iterable[tuple[Shipment, Label]]) -> None:
    """Store and publish the labels of shipments, except if one is stored already or a stop requested."""
    shipments = []
    for shipment, label in labels:
        _apply(shipment, label)
        shipments.append(shipment)
    stored = repository.store_outcomes(shipments)
    keys = keys_of_orders([shipment.order_id for shipment in stored])
    for shipment in stored:
        key = keys.get(shipment.order_id)
        if shipment.has_left:
            track_later(shipment)
            publish(shipped_event(shipment, key))
        else:
            publish(failed_event(shipment, key))


def record_stop(order_id: UUID, reason: str) -> Shipment:
    """Store and publish that a parcel will not leave, or publish that it has left already."""
    [shipment] = repository.lock([order_id])
    if shipment.can_be_stopped:
        shipment.stop()
        repository.store([shipment])
        publish(FulfilmentStopped(order_id=order_id, reason=shipment.stop_reason))
    elif shipment.has_left:
        publish(CancellationRejected(order_id=order_id, reason=reason))
    return shipment


def record_scans(scans: Mapping[UUID, Sequence[Scan]], *, looks: Mapping[UUID, int]) -> None:
    """Store the scans of parcels, by shipment. Publish how each parcel ended, or track it again later.

    A parcel that the carrier had given up may still be delivered.

    Args:
        scans: scans by shipment.
        looks: their orders, with the number of this look after the carrier has given their parcels up, or 0.
    """
    known = repository.lock_all(looks)
    arrived = {shipment.order_id for shipment in known if shipment.state == Shipment.State.DELIVERED}
    shipments = [parcel for parcel in known if parcel.pk in scans and parcel.state in Shipment.FOLLOWED]
    repository.add_tracking_events(
        [
            TrackingEvent(shipment=shipment, status=scan.status.value, time=scan.time)
            for shipment in shipments
            for scan in scans[shipment.pk]
        ]
    )
    # The parcel under way comes last: of the timers of an order the last one stays.
    for shipment in sorted(shipments, key=lambda parcel: parcel.state == Shipment.State.SHIPPED):
        order_id = shipment.order_id
        _follow(shipment, scans[shipment.pk], looks[order_id], has_arrived=order_id in arrived)
        if shipment.state == Shipment.State.DELIVERED:
            arrived.add(order_id)
    repository.store(shipments)


def track_later(shipment: Shipment) -> None:
    """Schedule the next look at where the parcel is."""
    due = datetime.now(UTC) + settings.SHOP_TRACKING_INTERVAL
    schedule(TrackingDue(order_id=shipment.order_id, shipment_id=shipment.id), at=due)


def look_late(shipment: Shipment, look: int) -> None:
    """Schedule a look at a parcel that the carrier has given up: it might come after all."""
    if look <= LATE_LOOKS:
        due = datetime.now(UTC) + LATE_PAUSE
        schedule(TrackingDue(order_id=shipment.order_id, shipment_id=shipment.id, late_look=look), at=due)


def finish_stop_later(shipment: Shipment) -> None:
    """Schedule a second attempt at an operator's stop: whoever asked for it may not be there to repeat it."""
    schedule(StopDue(order_id=shipment.order_id), at=datetime.now(UTC) + STOP_PAUSE)


def _apply(shipment: Shipment, label: Label) -> None:
    if label.status == LabelStatus.BOOKED:
        shipment.ship(label)
    else:
        shipment.fail(label)


def shipped_event(shipment: Shipment, key: DataKey | None) -> OrderShipped | OrderReshipped:
    """Return the event of a parcel that has left."""
    tracking = Tracking(tracking_number=shipment.tracking_number)
    kind = OrderShipped if shipment.is_first else OrderReshipped
    return kind(
        order_id=shipment.order_id,
        shipment_id=shipment.id,
        carrier=shipment.carrier,
        **sealed(kind, key, personal=tracking),
    )


def failed_event(shipment: Shipment, key: DataKey | None) -> ShipmentFailed | ResendFailed:
    """Return the event of a parcel that never left."""
    words = Refusal(message=shipment.failure_message)
    common = {"order_id": shipment.order_id, "shipment_id": shipment.id, "code": shipment.failure_code}
    if shipment.is_first:
        return ShipmentFailed(**common, **sealed(ShipmentFailed, key, personal=words))
    took = shipment.new_goods and shipment.failure_code != OUT_OF_STOCK
    return ResendFailed(**common, took_goods=took, **sealed(ResendFailed, key, personal=words))


def _follow(shipment: Shipment, scans: Sequence[Scan], look: int, *, has_arrived: bool) -> None:
    last = scans[-1] if scans else None
    if last and last.status == ParcelStatus.DELIVERED:
        _deliver(shipment, last, has_arrived=has_arrived)
    elif shipment.state != Shipment.State.SHIPPED:
        if look:
            look_late(shipment, look + 1)
    elif last and last.status in GIVEN_UP:
        _give_up(shipment, last)
    else:
        _go_on(shipment, last)


def _deliver(shipment: Shipment, scan: Scan, *, has_arrived: bool) -> None:
    """Record a delivery. Of two parcels of an order the first that arrives is announced."""
    shipment.deliver(at=scan.time)
    if not has_arrived:
        publish(OrderDelivered(order_id=shipment.order_id, shipment_id=shipment.id, delivered_at=scan.time))


def _give_up(shipment: Shipment, scan: Scan) -> None:
    shipment.give_up(scan.status)
    publish(DeliveryFailed(order_id=shipment.order_id, shipment_id=shipment.id, status=scan.status.value))
    look_late(shipment, 1)


def _go_on(shipment: Shipment, scan: Scan | None) -> None:
    if scan:
        shipment.move(scan.status)
    track_later(shipment)
