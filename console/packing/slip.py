"""Packing slip of a shipment: what goes into the parcel, and where it goes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import segno

from orders.queries import Line
from orders.queries import order as find_order
from shipping.carrier import Destination
from shipping.queries import shipment


@dataclass(frozen=True, slots=True)
class Slip:
    """Facts of a packing slip."""

    shipment_id: UUID
    number: str
    placed_at: datetime
    destination: Destination
    lines: list[Line]
    carrier: str
    tracking_number: str
    #: The carrier has a label of the parcel.
    has_label: bool

    @property
    def pieces(self) -> int:
        """Number of pieces in the parcel."""
        return sum(line.quantity for line in self.lines)

    @property
    def address(self) -> list[str]:
        """Lines of the address."""
        to = self.destination
        city = " ".join(filter(None, (to.postal_code, to.city, to.region)))
        return list(filter(None, (to.name, to.street, to.second_line, city, to.country, to.phone)))

    @property
    def code(self) -> segno.QRCode:
        """QR code of the order's number, for the search of the list of orders."""
        return segno.make(self.number, error="m", micro=False)


def slip_of(shipment_id: UUID) -> Slip | None:
    """Return the packing slip of a shipment; None if there is no such shipment, or no order of it."""
    parcel = shipment(shipment_id)
    order = find_order(parcel.order_id) if parcel else None
    if parcel is None or order is None:
        return None
    return Slip(
        shipment_id=shipment_id,
        number=order.summary.number,
        placed_at=order.summary.placed_at,
        destination=parcel.destination,
        lines=order.lines,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        has_label=parcel.has_left,
    )
