"""Settings of the carrier, from the environment."""

import os
from datetime import timedelta
from typing import Any

from shop.environment import listed, number, seconds

_SENDER = ("name", "street", "second_line", "city", "region", "postal_code", "country", "phone")
#: Grams and centimetres.
_PARCEL = ("weight", "length", "width", "height")


def carrier_settings() -> dict[str, Any]:
    """Return the settings: EasyPost's if it has a key, else those of the simulated carrier."""
    key = os.environ.get("EASYPOST_API_KEY", "")
    default = "easypost.carrier.EasyPostCarrier" if key else "simulator.carrier.SimulatedCarrier"
    return {
        "EASYPOST_API_KEY": key,
        #: Address of EasyPost's API, another one for a stand-in alone.
        "EASYPOST_API_BASE": os.environ.get("EASYPOST_API_BASE", "https://api.easypost.com"),
        #: Carriers and services among which the lowest rate is taken; all if it is empty.
        "SHOP_EASYPOST_CARRIERS": listed("SHOP_EASYPOST_CARRIERS"),
        "SHOP_EASYPOST_SERVICES": listed("SHOP_EASYPOST_SERVICES"),
        #: Connections of a process to EasyPost that book at once, and time for an answer.
        "SHOP_EASYPOST_CONNECTIONS": number("SHOP_EASYPOST_CONNECTIONS", 8),
        "SHOP_EASYPOST_TIMEOUT": seconds("SHOP_EASYPOST_TIMEOUT_SECONDS", 8),
        #: Secret of the webhook at EasyPost, by which its notices are verified.
        "EASYPOST_WEBHOOK_SECRET": os.environ.get("EASYPOST_WEBHOOK_SECRET", ""),
        "SHOP_CARRIER": os.environ.get("SHOP_CARRIER") or f"shipping.{default}",
        "SHOP_SENDER": {part: os.environ.get(f"SHOP_SENDER_{part.upper()}", "") for part in _SENDER},
        "SHOP_PARCEL": {part: _measure(part) for part in _PARCEL},
        "SHOP_TRACKING_INTERVAL": _tracking_interval(bool(key)),
    }


def carrier_webhooks() -> dict[str, str]:
    """Return the endpoint of EasyPost's webhooks, if EasyPost is the carrier and they have a secret."""
    is_set = os.environ.get("EASYPOST_API_KEY") and os.environ.get("EASYPOST_WEBHOOK_SECRET")
    return {"easypost": "shipping.easypost.webhooks.endpoint"} if is_set else {}


def _measure(part: str) -> float:
    """Return a measure of the parcel; 0 if it is missing or no number, which a check reports."""
    unit = "GRAMS" if part == "weight" else "CM"
    try:
        return float(os.environ.get(f"SHOP_PARCEL_{part.upper()}_{unit}", "0"))
    except ValueError:
        return 0.0


def _tracking_interval(has_easypost: bool) -> timedelta:
    """Return how often the carrier is asked: seldom with webhooks, which then only might be missed."""
    hours = 24 if carrier_webhooks() else 6
    return seconds("SHOP_TRACKING_INTERVAL_SECONDS", hours * 3600 if has_easypost else 2)
