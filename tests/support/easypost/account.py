"""Books of the stand-in's account: shipments, their labels and trackers, and what EasyPost does with them."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

#: Words in the street -> code of the refusal when the label is bought, and the carrier's words.
REFUSED = {
    "EZ6000000006": ("SHIPMENT.POSTAGE.FAILURE", "Ada's address is not served"),
    "NOWHERE": ("ADDRESS.VERIFY.FAILURE", "Address not found"),
}
#: Country to which no carrier offers a rate.
NO_RATES = "AQ"
_RATES = (("Express", "34.15"), ("GroundAdvantage", "6.07"), ("Priority", "7.42"))
_REQUIRED = ("name", "street1", "city", "zip", "country")


class Refused(Exception):
    """Answer of a request that is not carried out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "errors": []}}


class Account:
    """The account. Its carrier is the post; every label has a tracker."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.shipments: dict[str, dict[str, Any]] = {}
        self.trackers: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    # --- Shipments ---------------------------------------------------------------------------

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        asked = params.get("shipment") or {}
        for part in ("to_address", "from_address", "parcel"):
            if part not in asked:
                raise Refused(422, "PARAMETER.REQUIRED", f"Missing required parameter: {part}.")
        for address in (asked["to_address"], asked["from_address"]):
            if missing := [name for name in _REQUIRED if not address.get(name)]:
                raise Refused(422, "ADDRESS.PARAMETERS.INVALID", f"Missing: {', '.join(missing)}")
        if not asked["parcel"]["weight"] > 0:
            raise Refused(422, "PARCEL.WEIGHT.INVALID", "weight must be greater than 0")
        shipment = self._new("shp") | {
            "to_address": asked["to_address"],
            "from_address": asked["from_address"],
            "parcel": asked["parcel"],
            "options": asked.get("options", {}),
            "reference": asked.get("reference"),
            "messages": [],
            "postage_label": None,
            "refund_status": None,
            "selected_rate": None,
            "status": "unknown",
            "tracker": None,
            "tracking_code": None,
        }
        shipment["rates"] = self._rates(shipment)
        self.shipments[shipment["id"]] = shipment
        return shipment

    def retrieve(self, name: str) -> dict[str, Any]:
        """Return the shipment with an id or, the latest one, with a reference."""
        found = [s for s in self.shipments.values() if name in (s["id"], s["reference"])]
        if not found:
            raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")
        return found[-1]

    def rerate(self, name: str) -> dict[str, Any]:
        shipment = self.retrieve(name)
        shipment["rates"] = self._rates(shipment)
        return shipment

    def buy(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        shipment = self.retrieve(name)
        if shipment["postage_label"]:
            raise Refused(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        rate = next((r for r in shipment["rates"] if r["id"] == params.get("rate", {}).get("id")), None)
        if rate is None:
            raise Refused(422, "SHIPMENT.RATE.INVALID", "The rate is not one of this shipment.")
        for word, (code, message) in REFUSED.items():
            if word in shipment["to_address"]["street1"].upper():
                raise Refused(422, code, message)
        tracker = self._tracker(shipment, rate["carrier"])
        shipment["selected_rate"] = rate
        shipment["tracking_code"] = tracker["tracking_code"]
        shipment["tracker"] = tracker
        url = f"{self.url}/labels/{shipment['id']}.pdf"
        shipment["postage_label"] = self._new("pl") | {"label_url": url, "label_file_type": "application/pdf"}
        return shipment

    def refund(self, name: str) -> dict[str, Any]:
        shipment = self.retrieve(name)
        if not shipment["postage_label"]:
            raise Refused(422, "SHIPMENT.REFUND.UNAVAILABLE", "The shipment has no postage.")
        if shipment["refund_status"]:
            raise Refused(422, "SHIPMENT.REFUND.UNAVAILABLE", "A refund was requested already.")
        if shipment["tracker"]["status"] not in {"unknown", "pre_transit"}:
            raise Refused(422, "SHIPMENT.REFUND.UNAVAILABLE", "The parcel was scanned.")
        shipment["refund_status"] = "submitted"
        return shipment

    def all(self, params: dict[str, str]) -> dict[str, Any]:
        now = datetime.now(UTC)
        start = _time(params.get("start_datetime")) or now - timedelta(days=30)
        end = _time(params.get("end_datetime")) or now + timedelta(days=1)
        found = [s for s in reversed(self.shipments.values()) if start <= _made(s) < end]
        if params.get("purchased") == "true":
            found = [shipment for shipment in found if shipment["postage_label"]]
        if before := params.get("before_id"):
            found = found[[shipment["id"] for shipment in found].index(before) + 1 :]
        size = int(params.get("page_size", 20))
        return {"shipments": found[:size], "has_more": len(found) > size}

    def made_ago(self, name: str, age: timedelta) -> None:
        """Put the making of a shipment back."""
        self.retrieve(name)["created_at"] = (datetime.now(UTC) - age).isoformat()

    # --- Trackers ----------------------------------------------------------------------------

    def batch(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params["tracking_codes"]
        if len(wanted) > 100:
            raise Refused(422, "PARAMETER.INVALID", "at most 100 tracking codes")
        found = [tracker for tracker in self.trackers.values() if tracker["tracking_code"] in wanted]
        return {"trackers": found, "has_more": False}

    def delete_tracker(self, name: str) -> None:
        if name not in self.trackers:
            raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")
        del self.trackers[name]

    def scan(self, tracking_code: str, status: str) -> dict[str, Any]:
        """Move a parcel; return its tracker."""
        tracker = next(t for t in self.trackers.values() if t["tracking_code"] == tracking_code)
        now = _now()
        detail = {"object": "TrackingDetail", "status": status, "datetime": now, "message": "Scanned"}
        tracker["tracking_details"].append(detail)
        tracker |= {"status": status, "updated_at": now}
        self.trackers[tracker["id"]] = tracker
        return tracker

    # --- What both are made of ---------------------------------------------------------------

    def _tracker(self, shipment: dict[str, Any], carrier: str) -> dict[str, Any]:
        tracker = self._new("trk") | {
            "object": "Tracker",
            "tracking_code": f"94001000000000{next(self._numbers):08}",
            "status": "unknown",
            "carrier": carrier,
            "shipment_id": shipment["id"],
            "tracking_details": [],
        }
        self.trackers[tracker["id"]] = tracker
        return tracker

    def _rates(self, shipment: dict[str, Any]) -> list[dict[str, Any]]:
        if shipment["to_address"]["country"] == NO_RATES:
            return []
        return [
            self._new("rate")
            | {"carrier": "USPS", "service": service, "rate": rate, "shipment_id": shipment["id"]}
            for service, rate in _RATES
        ]

    def _new(self, prefix: str) -> dict[str, Any]:
        name = f"{prefix}_{next(self._numbers):032x}"
        return {"id": name, "created_at": _now(), "updated_at": _now(), "mode": "test"}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _made(shipment: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(shipment["created_at"])
