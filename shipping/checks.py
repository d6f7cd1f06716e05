"""System checks of the carrier."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from shipping.carrier import ADDRESS

#: Parts of an address that not every country has.
_OPTIONAL = {"second_line", "region", "phone"}


@register("shipping")
def easypost_can_be_called(**kwargs: Any) -> list[CheckMessage]:
    """Check that EasyPost's SDK is installed and has a key, if EasyPost is the carrier."""
    if not _is_carrier():
        return []
    found: list[CheckMessage] = []
    if find_spec("easypost") is None:
        hint = "Install it: pip install --require-hashes -r requirements-easypost.txt"
        found.append(Error("EasyPost is the carrier, and its SDK is missing.", hint=hint, id="shipping.E001"))
    if not settings.EASYPOST_API_KEY:
        hint = "Set EASYPOST_API_KEY to a key of EasyPost's dashboard (EZTK... for tests, EZAK...)."
        found.append(Error("EasyPost is the carrier, and has no key.", hint=hint, id="shipping.E002"))
    return found


@register("shipping")
def parcels_can_be_described(**kwargs: Any) -> list[CheckMessage]:
    """Check that sender and parcels are described, if EasyPost is the carrier."""
    if not _is_carrier():
        return []
    missing = [f"SHOP_SENDER_{part.upper()}" for part in ADDRESS if part not in _OPTIONAL]
    missing = [name for name in missing if not settings.SHOP_SENDER[_part(name)].strip()]
    units = {part: "GRAMS" if part == "weight" else "CM" for part in settings.SHOP_PARCEL}
    wrong = [f"SHOP_PARCEL_{part.upper()}_{unit}" for part, unit in units.items() if not _is_measure(part)]
    found: list[CheckMessage] = []
    if missing:
        hint = f"Set the shop's own address, from which parcels leave: {', '.join(missing)}."
        found.append(Error("EasyPost needs the sender of parcels.", hint=hint, id="shipping.E003"))
    if wrong:
        hint = f"Set what a parcel weighs and measures to numbers above 0: {', '.join(wrong)}."
        found.append(Error("EasyPost needs weight and size of parcels.", hint=hint, id="shipping.E004"))
    return found


def _part(name: str) -> str:
    return name.removeprefix("SHOP_SENDER_").lower()


def _is_measure(part: str) -> bool:
    return bool(0 < settings.SHOP_PARCEL[part] < float("inf"))


def _is_carrier() -> bool:
    return str(settings.SHOP_CARRIER).startswith("shipping.easypost.")
