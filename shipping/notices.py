"""Notices of the carrier: what a notice says is not believed; the carrier is asked for the present scans."""

from uuid import UUID

from shipping import carrier_calls, outcomes
from shipping.models import Shipment
from shop.messaging.publishing import unit_of_work
from shop.webhooks import notices


def follow_notice(*, notice_id: UUID) -> None:
    """Record the present scans of the parcel that a notice is about; a parcel of others is left alone.

    Publishes OrderDelivered or DeliveryFailed at the end of the parcel's way.

    Raises:
        CarrierTimeout, CarrierUnavailable: ask again.
    """
    notice = notices.find(notice_id)
    key = carrier_calls.key_of(notice.about) if notice else None
    shipment = Shipment.objects.filter(idempotency_key=key).first() if key else None
    number = shipment.tracking_number if shipment else ""
    scans = carrier_calls.ask_for_scans([number]).get(number, ()) if number else ()
    with unit_of_work():
        if shipment and scans:
            outcomes.record_scans({shipment.pk: scans}, looks={shipment.order_id: 0})
        notices.mark_as_worked(notice_id)
