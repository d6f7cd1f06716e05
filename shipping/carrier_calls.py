"""Calls to the carrier. After a timeout, the outcome of a booking is looked up by its key."""

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from shipping.carrier import (
    BookingRequest,
    CarrierTimeout,
    CarrierUnavailable,
    Label,
    LabelPaper,
    LabelStatus,
    Scan,
    carrier,
)
from shipping.models import Shipment
from shop.messaging.providers import Results, call_each

logger = logging.getLogger("shop.shipping")


def book_each(shipments: Mapping[UUID, Shipment]) -> Results[Label]:
    """Book parcels.

    Args:
        shipments: shipments whose booking has started, by order id, as are the results.
    """
    return call_each(shipments, book, call_together=_book_together)


def find_label(shipment: Shipment) -> Label | None:
    """Look up the label of a parcel; None if the carrier has not made one."""
    return carrier().find_booking(key=shipment.idempotency_key)


def void_label(shipment: Shipment) -> None:
    """Void the label of a parcel, or keep it from being made. A refused booking needs no void.

    Raises:
        CarrierTimeout, CarrierUnavailable: the label may still be valid.
    """
    try:
        carrier().void(key=shipment.idempotency_key)
    except CarrierTimeout:
        if _find_made_label(shipment).status == LabelStatus.BOOKED:
            raise


def void_key(key: str) -> None:
    """Void the label of a key that the shop has no shipment of.

    Raises:
        TooLateToVoid: the carrier has the parcel.
        CarrierTimeout, CarrierUnavailable: the label may still be valid.
    """
    carrier().void(key=key)


def track(tracking_numbers: Sequence[str]) -> Mapping[str, Sequence[Scan]]:
    """Return all scans of parcels, by tracking number; none during an outage."""
    try:
        return carrier().track(tracking_numbers=tracking_numbers) if tracking_numbers else {}
    except (CarrierTimeout, CarrierUnavailable) as error:
        logger.warning("%d parcels are tracked again later: %r", len(tracking_numbers), error)
        return {}


def ask_for_scans(tracking_numbers: Sequence[str]) -> Mapping[str, Sequence[Scan]]:
    """Return all scans of parcels, by tracking number.

    Raises:
        CarrierTimeout, CarrierUnavailable: ask again.
    """
    return carrier().track(tracking_numbers=tracking_numbers)


def key_of(about: str) -> str | None:
    """Return the key of the parcel that a notice is about."""
    return carrier().key_of(about=about)


def paper_of(shipment: Shipment) -> LabelPaper | None:
    """Return the label of a parcel to be printed."""
    return carrier().paper(key=shipment.idempotency_key)


def _book_together(shipments: Mapping[UUID, Shipment]) -> dict[UUID, Label]:
    order_ids = {shipment.idempotency_key: order_id for order_id, shipment in shipments.items()}
    wanted = [BookingRequest(parcel.idempotency_key, parcel.destination) for parcel in shipments.values()]
    return {order_ids[key]: label for key, label in carrier().book_many(wanted).items()}


def book(shipment: Shipment) -> Label:
    """Book a parcel; after a timeout, look its label up.

    Raises:
        CarrierTimeout, CarrierUnavailable: the outcome is unknown.
    """
    try:
        return carrier().book(key=shipment.idempotency_key, to=shipment.destination)
    except CarrierTimeout:
        return _find_made_label(shipment)


def _find_made_label(shipment: Shipment) -> Label:
    """Look up the label that a call without an answer made; if there is none, it may be under way."""
    label = find_label(shipment)
    if label is None:
        raise CarrierTimeout(f"the carrier has not answered about {shipment.idempotency_key}")
    return label
