"""Events of the stand-in: what changed in the account's books, in Stripe's words, and its signed requests."""

import hmac
import itertools
import json
import time
from copy import deepcopy
from hashlib import sha256
from typing import Any

from tests.support.stripe.answers import missing
from tests.support.stripe.forms import check

WEBHOOK_SECRET = "whsec_of_the_stand_in"
_BY_STATUS = {
    "requires_action": "payment_intent.requires_action",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "processing": "payment_intent.processing",
    "succeeded": "payment_intent.succeeded",
    "canceled": "payment_intent.canceled",
}
_CLOSED = {"won", "lost", "warning_closed"}

Books = dict[str, dict[str, Any]]


class Events:
    """Events that Stripe has made, oldest first. It compares the books with those that it has seen."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self._seen: dict[str, Books] = {}
        self._numbers = itertools.count(1)

    def observe(self, **books: Books) -> None:
        """Make the events of what has changed."""
        for name, kind_of in _KINDS.items():
            known = self._seen.get(name, {})
            for key, now in books[name].items():
                before = known.get(key, {})
                if now != before:
                    for kind in kind_of(before, now):
                        self._make(kind, now)
        self._seen = deepcopy(books)

    def _make(self, kind: str, made: dict[str, Any]) -> None:
        self.made.append(
            {
                "id": f"evt_{next(self._numbers):06}",
                "object": "event",
                "api_version": "2026-01-28.clover",
                "created": int(time.time()),
                "data": {"object": deepcopy(made)},
                "livemode": False,
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": None},
                "type": kind,
            }
        )

    def page(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the events, newest first."""
        check(params, optional=("created", "types", "limit", "starting_after"))
        since, kinds = int(params.get("created", {}).get("gte", 0)), params.get("types")
        assert not kinds or len(kinds) <= 20, "Stripe takes up to 20 types"
        found = [
            event
            for event in self.made[::-1]
            if event["created"] >= since and (not kinds or event["type"] in kinds)
        ]
        if after := params.get("starting_after"):
            names = [event["id"] for event in found]
            if after not in names:
                raise missing("event", after, param="starting_after")
            found = found[names.index(after) + 1 :]
        limit = int(params.get("limit", 10))
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": "/v1/events"}


def signed(
    event: dict[str, Any], *, at: float | None = None, secret: str = WEBHOOK_SECRET
) -> tuple[bytes, str]:
    """Return the body of an event's request, and its header Stripe-Signature."""
    body = json.dumps(event, indent=2)
    moment = int(at or time.time())
    mac = hmac.new(secret.encode(), f"{moment}.{body}".encode(), sha256)
    return body.encode(), f"t={moment},v1={mac.hexdigest()},v0={'0' * 64}"


def _of_intent(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    kinds = [] if before else ["payment_intent.created"]
    if now["last_payment_error"] and now["last_payment_error"] != before.get("last_payment_error"):
        kinds.append("payment_intent.payment_failed")
    if now["status"] != before.get("status") and now["status"] in _BY_STATUS:
        kinds.append(_BY_STATUS[now["status"]])
    return kinds


def _of_charge(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    kinds = [] if before else [f"charge.{now['status']}"]
    if now["captured"] and now["amount_refunded"] > before.get("amount_refunded", 0):
        kinds.append("charge.refunded")
    return kinds


def _of_refund(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    if not before:
        return ["refund.created"]
    if now["status"] == before["status"]:
        return []
    return ["refund.updated", "refund.failed"] if now["status"] == "failed" else ["refund.updated"]


def _of_dispute(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    if not before:
        return ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    return ["charge.dispute.closed" if now["status"] in _CLOSED else "charge.dispute.updated"]


def _of_session(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    kinds = {"complete": "checkout.session.completed", "expired": "checkout.session.expired"}
    changed = before and now["status"] != before["status"]
    return [kinds[now["status"]]] if changed else []


_KINDS = {
    "intents": _of_intent,
    "sessions": _of_session,
    "charges": _of_charge,
    "refunds": _of_refund,
    "disputes": _of_dispute,
}
