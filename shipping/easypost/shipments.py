"""Shipments at EasyPost: made under a reference, bought at the lowest rate, refunded."""

from typing import Any

from django.conf import settings
from easypost.errors.general.filtering_error import FilteringError
from easypost.util import get_lowest_object_rate

from shipping.carrier import Destination, Label, LabelStatus
from shipping.easypost.client import shipments
from shipping.easypost.failures import Refused, translated
from shipping.errors import CarrierTimeout, CarrierUnavailable, TooLateToVoid

#: Statuses of a label's refund after which the parcel must not leave.
GIVEN_BACK = {"submitted", "refunded", "not_applicable"}
_OUNCE_IN_GRAMS = 28.349523125
_INCH_IN_CENTIMETRES = 2.54
#: Parts of an address in EasyPost's words, and in ours.
_PARTS = {
    "name": "name",
    "street1": "street",
    "street2": "second_line",
    "city": "city",
    "state": "region",
    "zip": "postal_code",
    "country": "country",
    "phone": "phone",
}


def find(reference: str) -> Any | None:
    """Return the shipment with EasyPost's id or our reference; None if there is none."""
    try:
        with translated():
            return shipments().retrieve(reference)
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise


def find_or_create(key: str, to: Destination) -> Any:
    """Return a shipment with our reference. One that is not bought costs nothing."""
    with translated():
        return find(key) or shipments().create(**_params(key, to))


def buy(shipment_id: str, made: Any | None = None) -> Label:
    """Buy the label of a shipment at the lowest rate, unless it is bought: EasyPost sells each label once.

    Args:
        shipment_id: EasyPost's id.
        made: the shipment, if it was made a moment ago, and so its rates are fresh.

    Raises:
        CarrierUnavailable: no carrier offers a rate.
        CarrierTimeout: the label may be bought; find the shipment.
    """
    with translated():
        if bought := label_of(made or shipments().retrieve(shipment_id)):
            return bought
        rate = _lowest_rate(made or shipments().regenerate_rates(shipment_id), shipment_id)
        label = label_of(shipments().buy(shipment_id, rate={"id": rate}))
    if label is None:
        raise CarrierTimeout(f"EasyPost has not made the label of {shipment_id} yet")
    return label


def refused(refusal: Refused) -> Label:
    """Return a refusal as an answer of the port."""
    return Label(LabelStatus.REFUSED, code=refusal.code.lower(), message=refusal.words)


def label_of(shipment: Any) -> Label | None:
    """Return the label of a shipment as it stands; None if it is not bought."""
    if not shipment.get("postage_label"):
        return None
    status = LabelStatus.VOIDED if shipment.get("refund_status") in GIVEN_BACK else LabelStatus.BOOKED
    rate = shipment.get("selected_rate")
    return Label(status, rate.carrier if rate else "EasyPost", shipment.tracking_code or "")


def give_back(shipment_id: str) -> Label | None:
    """Have the label of a shipment refunded; return it as it stands, None if it is not bought.

    Raises:
        TooLateToVoid: the carrier has the parcel, or does not take the label back.
    """
    with translated():
        label = label_of(shipments().retrieve(shipment_id))
        if label is None or label.status == LabelStatus.VOIDED:
            return label
        try:
            with translated():
                label = label_of(shipments().refund(shipment_id))
        except Refused:  # it was refunded meanwhile, or is scanned
            label = label_of(shipments().retrieve(shipment_id))
    if label is None or label.status != LabelStatus.VOIDED:
        raise TooLateToVoid(f"EasyPost does not take back the label of {shipment_id}")
    return label


def _lowest_rate(shipment: Any, shipment_id: str) -> str:
    """Return the lowest rate of the carriers and services that the settings allow, if they name any."""
    carriers, services = settings.SHOP_EASYPOST_CARRIERS, settings.SHOP_EASYPOST_SERVICES
    try:
        return str(get_lowest_object_rate(shipment, carriers, services).id)
    except FilteringError:
        raise CarrierUnavailable(
            f"no carrier offers a rate for {shipment_id}: see its messages in EasyPost's dashboard, and "
            "check SHOP_EASYPOST_CARRIERS, SHOP_EASYPOST_SERVICES, SHOP_SENDER_... and SHOP_PARCEL_..."
        ) from None


def _params(key: str, to: Destination) -> dict[str, Any]:
    return {
        "reference": key,
        "to_address": _address(to.parts),
        "from_address": _address(settings.SHOP_SENDER),
        "parcel": _parcel(),
        "options": {"label_format": "PDF"},
    }


def _address(parts: dict[str, str]) -> dict[str, str]:
    return {theirs: parts[ours] for theirs, ours in _PARTS.items() if parts.get(ours)}


def _parcel() -> dict[str, float]:
    """Return the parcel of every order, in ounces and inches."""
    parcel = settings.SHOP_PARCEL
    sides = {side: round(parcel[side] / _INCH_IN_CENTIMETRES, 2) for side in ("length", "width", "height")}
    return {"weight": round(parcel["weight"] / _OUNCE_IN_GRAMS, 1), **sides}
