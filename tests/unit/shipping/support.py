"""Services of shipping for a single parcel."""

from uuid import UUID

from shipping import services
from shipping.models import Shipment


def book(order_id: UUID) -> Shipment:
    services.book_shipments(order_ids=[order_id])
    return Shipment.objects.get(order_id=order_id)


def track(order_id: UUID) -> Shipment:
    services.track_parcels(looks={order_id: 0})
    return Shipment.objects.get(order_id=order_id)
