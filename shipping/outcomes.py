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
    OrderShipped,
    Refusal,
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


def record_labels(labels: Iterable[tuple[Shipment, Label]]) -> None:
    """Store and publish the labels of shipments, except if one is stored already or a stop requested."""
    shipments = []
    for shipment, label in labels:
        _apply(shipment, label)
        shipments.append(shipment)
    stored = repository.store_outcomes(shipments)
    keys = keys_of_orders([shipment.order_id for shipment in stored])
    for shipment in stored:
        if shipment.has_left:
            _publish_shipped(shipment, keys.get(shipment.order_id))
        else:
            _publish_failed(shipment, keys.get(shipment.order_id))


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


def record_scans(scans: Mapping[UUID, Sequence[Scan]]) -> None:
    """Store the scans of parcels, by order id. Publish how each parcel ended, or track it again later."""
    shipments = [shipment for shipment in repository.lock(scans) if shipment.state == Shipment.State.SHIPPED]
    repository.add_tracking_events(
        [
            TrackingEvent(shipment=shipment, status=scan.status.value, time=scan.time)
            for shipment in shipments
            for scan in scans[shipment.order_id]
        ]
    )
    for shipment in shipments:
        _follow(shipment, scans[shipment.order_id])
    repository.store(shipments)


def track_later(shipment: Shipment) -> None:
    """Schedule the next look at where the parcel is."""
    due = datetime.now(UTC) + settings.SHOP_TRACKING_INTERVAL
    schedule(TrackingDue(order_id=shipment.order_id, shipment_id=shipment.id), at=due)


def finish_stop_later(shipment: Shipment) -> None:
    """Schedule a second attempt at an operator's stop: whoever asked for it may not be there to repeat it."""
    schedule(StopDue(order_id=shipment.order_id), at=datetime.now(UTC) + STOP_PAUSE)


def _apply(shipment: Shipment, label: Label) -> None:
    if label.status == LabelStatus.BOOKED:
        shipment.ship(label)
    else:
        shipment.fail(label)


def _publish_shipped(shipment: Shipment, key: DataKey | None) -> None:
    track_later(shipment)
    tracking = Tracking(tracking_number=shipment.tracking_number)
    publish(
        OrderShipped(
            order_id=shipment.order_id,
            shipment_id=shipment.id,
            carrier=shipment.carrier,
            **sealed(OrderShipped, key, personal=tracking),
        )
    )


def _publish_failed(shipment: Shipment, key: DataKey | None) -> None:
    publish(
        ShipmentFailed(
            order_id=shipment.order_id,
            shipment_id=shipment.id,
            code=shipment.failure_code,
            **sealed(ShipmentFailed, key, personal=Refusal(message=shipment.failure_message)),
        )
    )


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
        shipment.move(scan.status)
    track_later(shipment)
