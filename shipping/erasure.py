"""Erasure of what shipping, and the carrier, keep about the recipients of orders."""

from collections.abc import Collection
from uuid import UUID

from shipping.carrier import forget_labels
from shipping.models import EasyPostBooking, Shipment, TrackingEvent
from shop.messaging.contracts import ERASED
from shop.messaging.publishing import unit_of_work
from shop.privacy.rows import Rows, rows_of

#: Columns and what they hold afterwards. The country stays, for the tax.
NEUTRAL = {
    "name": ERASED,
    "street": ERASED,
    "city": ERASED,
    "postal_code": ERASED,
    "second_line": "",
    "region": "",
    "phone": "",
    "tracking_number": "",
    "failure_message": "",
}


def erase_shipments(*, order_ids: Collection[UUID]) -> None:
    """Erase addresses, tracking numbers and the carrier's words. Idempotent."""
    shipments = Shipment.objects.filter(order_id__in=order_ids)
    forget_labels(list(shipments.values_list("idempotency_key", flat=True)))
    with unit_of_work():
        shipments.update(**NEUTRAL)


def personal_data_of(order_ids: Collection[UUID]) -> Rows:
    """Return all that shipping keeps about orders, by table."""
    shipments = Shipment.objects.filter(order_id__in=order_ids)
    return (
        rows_of(shipments)
        | rows_of(TrackingEvent.objects.filter(shipment__order_id__in=order_ids))
        | rows_of(EasyPostBooking.objects.filter(key__in=shipments.values("idempotency_key")))
    )
