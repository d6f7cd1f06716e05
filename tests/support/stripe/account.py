"""Books of the stand-in's account: PaymentIntents, charges and refunds, and what Stripe does with them."""

import itertools
import re
import time
from copy import deepcopy
from typing import Any

from tests.support.stripe.answers import Refused, invalid, missing
from tests.support.stripe.events import Events
from tests.support.stripe.forms import check

#: Stripe's test tokens -> code and decline code of the decline.
DECLINES = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline", "Your card was declined."),
    "pm_card_visa_chargeDeclinedInsufficientFunds": (
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card", "Your card has expired."),
}
MUST_CONFIRM = "pm_card_authenticationRequired"
MUST_CONFIRM_AND_IS_POOR = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
PROCESSES = "pm_usBankAccount_processing"
PENDING_REFUND = "pm_card_pendingRefund"
#: Taken at first, refused when it is confirmed, as a PaymentMethod that was used before.
USED_BEFORE = "pm_usedBefore"
#: Held at first; the first capture is refused.
CAPTURE_FAILS = "pm_card_captureFail"
TOKENS = {
    "pm_card_visa",
    "pm_card_amex",
    CAPTURE_FAILS,
    MUST_CONFIRM,
    MUST_CONFIRM_AND_IS_POOR,
    PROCESSES,
    PENDING_REFUND,
    USED_BEFORE,
    *DECLINES,
}

_UNCONFIRMED = {"requires_payment_method", "requires_confirmation"}
#: Currencies with three decimals: Stripe takes no amounts that need the third.
_THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}
_SMALLEST = 50
#: Statuses of a dispute that has taken the money: such a charge cannot be refunded.
_DISPUTED = {"needs_response", "under_review", "lost"}
#: Refunds that a charge shows by itself.
_SHOWN = 10


class Account:
    """The account. Its lists show at once what was made; its search shows what was indexed, as it was."""

    def __init__(self, pages: str = "") -> None:
        #: Address of the server of the pages on which customers pay.
        self.pages = pages
        self.intents: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.events = Events()
        #: Intents whose first capture was refused.
        self.refused_captures: set[str] = set()
        self.search_is_late = False
        #: Have customers confirm by Stripe's script in the shop's page instead of by a redirect.
        self.asks_in_the_shops_page = False
        self._index: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    # --- PaymentIntents ----------------------------------------------------------------------

    def create_intent(self, params: dict[str, Any]) -> dict[str, Any]:
        optional = ("payment_method", "payment_method_types", "capture_method", "metadata", "description")
        check(params, required=("amount", "currency"), optional=optional)
        token, amount = params.get("payment_method"), _whole(params["amount"])
        if token is not None and token not in TOKENS:
            raise missing("PaymentMethod", token, param="payment_method")
        _check_amount(amount, params["currency"])
        intent = self._new("pi", "payment_intent", params) | {
            "amount": amount,
            "amount_received": 0,
            "cancellation_reason": None,
            "capture_method": params.get("capture_method", "automatic"),
            "currency": params["currency"],
            "description": params.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "next_action": None,
            "payment_method": token,
            "payment_method_types": params.get("payment_method_types", ["card"]),
            "receipt_email": None,
            "shipping": None,
            "status": "requires_confirmation" if token else "requires_payment_method",
        }
        self.intents[intent["id"]] = intent
        return intent

    def update_intent(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        check(params, optional=("metadata", "description", "receipt_email", "shipping"))
        intent = self.intent(name)
        intent["metadata"] |= params.pop("metadata", {})
        intent.update({field: value or None for field, value in params.items()})
        return intent

    def confirm_intent(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        check(params, optional=("return_url", "payment_method"))
        intent = self.intent(name)
        token = params.get("payment_method") or intent["payment_method"]
        if intent["status"] not in _UNCONFIRMED:
            raise _unexpected_state(intent, "confirm")
        if token is None:
            raise invalid("You cannot confirm this PaymentIntent because it's missing a payment method.")
        if token == USED_BEFORE:
            raise invalid("The provided PaymentMethod was used before.", code="payment_method_not_available")
        if token in DECLINES:
            raise self._decline(intent, *DECLINES[token])
        if token in (MUST_CONFIRM, MUST_CONFIRM_AND_IS_POOR):
            intent |= {"status": "requires_action", "next_action": self._action(name, params)}
            return intent
        done = "requires_capture" if intent["capture_method"] == "manual" else "succeeded"
        intent["status"] = "processing" if token == PROCESSES else done
        if intent["status"] == done:
            self._charge(intent)
        return intent

    def _action(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        if self.asks_in_the_shops_page or not params.get("return_url"):
            return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        url = f"https://hooks.stripe.com/redirect/authenticate/{name}"
        page = {"url": url, "return_url": params["return_url"]}
        return {"type": "redirect_to_url", "redirect_to_url": page}

    def customer_answers(self, name: str, *, confirms: bool = True) -> None:
        """Answer as the customer does on the bank's page; a cancelled intent has none any more."""
        intent = self.intent(name)
        if intent["status"] != "requires_action":
            raise _unexpected_state(intent, "confirm")
        intent["next_action"] = None
        if not confirms:
            code = "payment_intent_authentication_failure"
            self._decline(intent, code, "", "The payment was not confirmed.")
        elif intent["payment_method"] == MUST_CONFIRM_AND_IS_POOR:
            self._decline(intent, *DECLINES["pm_card_visa_chargeDeclinedInsufficientFunds"])
        else:
            intent["status"] = "requires_capture" if intent["capture_method"] == "manual" else "succeeded"
            self._charge(intent)

    def capture_intent(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        check(params, optional=("amount_to_capture",))
        intent = self.intent(name)
        amount = _whole(params.get("amount_to_capture", intent["amount"]))
        if intent["status"] != "requires_capture":
            raise _unexpected_state(intent, "capture")
        if amount > intent["amount"]:
            message = "The amount to capture is greater than the authorized amount."
            raise invalid(message, code="amount_too_large", param="amount_to_capture")
        if intent["payment_method"] == CAPTURE_FAILS and name not in self.refused_captures:
            self.refused_captures.add(name)
            raise Refused(402, "card_error", "Your card does not support this.", code="card_declined")
        intent |= {"status": "succeeded", "amount_received": amount}
        self.charges[intent["latest_charge"]] |= {"captured": True, "amount_captured": amount}
        return intent

    def expire_hold(self, name: str) -> None:
        """End a hold, as Stripe does after a week."""
        self._release(self.intent(name))

    def cancel_intent(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        check(params, optional=("cancellation_reason",))
        intent = self.intent(name)
        if intent["status"] not in {*_UNCONFIRMED, "requires_action", "requires_capture"}:
            raise _unexpected_state(intent, "cancel")
        if any(one["payment_intent"] == name and one["status"] == "open" for one in self.sessions.values()):
            raise invalid("You cannot cancel the PaymentIntent of a Checkout Session. Expire the session.")
        self._release(intent)
        intent["cancellation_reason"] = params.get("cancellation_reason")
        return intent

    def _release(self, intent: dict[str, Any]) -> None:
        if intent["status"] == "requires_capture":
            self.charges[intent["latest_charge"]] |= {"refunded": True, "amount_refunded": intent["amount"]}
        intent |= {"status": "canceled", "next_action": None}

    def search_intents(self, params: dict[str, Any]) -> dict[str, Any]:
        check(params, required=("query",), optional=("limit", "page"))
        query = re.fullmatch(r"""metadata\["(\w+)"\]:"([^"]+)\"""", params["query"])
        if not query:
            raise invalid("We were unable to parse your search query.", param="query")
        field, value = query.groups()
        if not self.search_is_late:
            self._index = deepcopy(self.intents)
        found = [intent for intent in self._index.values() if intent["metadata"].get(field) == value]
        url = "/v1/payment_intents/search"
        return {"object": "search_result", "data": found[::-1], "has_more": False, "url": url}

    def intent(self, name: str) -> dict[str, Any]:
        if name not in self.intents:
            raise missing("payment_intent", name, param="intent", status=404)
        return self.intents[name]

    def _charge(self, intent: dict[str, Any], *, failed: bool = False) -> None:
        is_captured = not failed and intent["capture_method"] == "automatic"
        charge = self._new("ch", "charge", {"metadata": dict(intent["metadata"])}) | {
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if is_captured else 0,
            "amount_refunded": 0,
            "captured": is_captured,
            "currency": intent["currency"],
            "disputed": False,
            "payment_intent": intent["id"],
            "refunded": False,
            "status": "failed" if failed else "succeeded",
        }
        self.charges[charge["id"]] = charge
        intent["latest_charge"] = charge["id"]

    def _decline(self, intent: dict[str, Any], code: str, decline_code: str, message: str) -> Refused:
        error = {"code": code, "decline_code": decline_code, "message": message, "type": "card_error"}
        intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
        self._charge(intent, failed=True)
        more = {name: value for name, value in error.items() if name not in {"type", "message"}}
        return Refused(402, "card_error", message, payment_intent=dict(intent), **more)

    # --- Refunds -----------------------------------------------------------------------------

    def create_refund(self, params: dict[str, Any]) -> dict[str, Any]:
        check(params, required=("payment_intent",), optional=("amount", "metadata"))
        name = params["payment_intent"]
        if name not in self.intents:
            raise missing("payment_intent", name, param="payment_intent")
        charge = self.charges.get(self.intents[name]["latest_charge"] or "")
        if not charge or not charge["captured"]:
            raise _unexpected_state(self.intents[name], "refund")
        if any(
            one["charge"] == charge["id"] and one["status"] in _DISPUTED for one in self.disputes.values()
        ):
            raise invalid(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
        return self._refund(charge, _whole(params.get("amount", charge["amount"])), params)

    def _refund(self, charge: dict[str, Any], amount: int, params: dict[str, Any]) -> dict[str, Any]:
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not left:
            raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        if amount > left:
            raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        is_pending = self.intents[charge["payment_intent"]]["payment_method"] == PENDING_REFUND
        refund = self._new("re", "refund", params) | {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "failure_reason": None,
            "payment_intent": charge["payment_intent"],
            "status": "pending" if is_pending else "succeeded",
        }
        self.refunds[refund["id"]] = refund
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        return refund

    def refund_in_dashboard(self, intent: str, amount: int | None = None) -> dict[str, Any]:
        """Refund as a person does in Stripe's dashboard: without the shop's metadata."""
        params = {"payment_intent": intent} | ({"amount": str(amount)} if amount else {})
        return self.create_refund(params)

    def complete_refund(self, name: str) -> None:
        self.refunds[name]["status"] = "succeeded"

    def fail_refund(self, name: str, reason: str = "expired_or_canceled_card") -> None:
        """Fail a refund later, as banks do: the amount is the shop's again."""
        refund = self.refunds[name]
        refund |= {"status": "failed", "failure_reason": reason}
        self.refunds[name] = refund
        self.charges[refund["charge"]]["amount_refunded"] -= refund["amount"]

    def list_refunds(self, params: dict[str, Any]) -> dict[str, Any]:
        check(params, optional=("payment_intent", "charge", "limit", "starting_after"))
        if (name := params.get("payment_intent")) and name not in self.intents:
            raise missing("payment_intent", name, param="payment_intent")
        wanted = {name: params[name] for name in ("payment_intent", "charge") if name in params}
        found = [r for r in self.refunds.values() if all(r[name] == value for name, value in wanted.items())]
        return _page(found, params, "/v1/refunds")

    # --- Events ------------------------------------------------------------------------------

    def observe(self) -> list[dict[str, Any]]:
        """Make the events of what has changed; return all."""
        self.events.observe(
            intents=self.intents,
            sessions=self.sessions,
            charges=self.charges,
            refunds=self.refunds,
            disputes=self.disputes,
        )
        return self.events.made

    def list_events(self, params: dict[str, Any]) -> dict[str, Any]:
        self.observe()
        return self.events.page(params)

    # --- Charges -----------------------------------------------------------------------------

    def list_charges(self, params: dict[str, Any]) -> dict[str, Any]:
        check(params, optional=("limit", "starting_after", "expand"))
        page = _page(list(self.charges.values()), params, "/v1/charges")
        if "data.refunds" in params.get("expand", []):
            page["data"] = [charge | {"refunds": self._refunds_of(charge)} for charge in page["data"]]
        return page

    def _refunds_of(self, charge: dict[str, Any]) -> dict[str, Any]:
        url = f"/v1/charges/{charge['id']}/refunds"
        return _page(
            [r for r in self.refunds.values() if r["charge"] == charge["id"]], {"limit": _SHOWN}, url
        )

    def _new(self, prefix: str, kind: str, params: dict[str, Any]) -> dict[str, Any]:
        name = f"{prefix}_{next(self._numbers):06}"
        metadata = dict(params.get("metadata") or {})
        return {
            "id": name,
            "object": kind,
            "created": int(time.time()),
            "livemode": False,
            "metadata": metadata,
        }


def _page(entries: list[dict[str, Any]], params: dict[str, Any], url: str) -> dict[str, Any]:
    newest_first = entries[::-1]
    if after := params.get("starting_after"):
        names = [entry["id"] for entry in newest_first]
        newest_first = newest_first[names.index(after) + 1 :]
    limit = int(params.get("limit", 10))
    return {
        "object": "list",
        "data": newest_first[:limit],
        "has_more": len(newest_first) > limit,
        "url": url,
    }


def _whole(text: Any) -> int:
    if not re.fullmatch(r"-?\d+", str(text)):
        raise invalid(f"Invalid integer: {text}", code="parameter_invalid_integer", param="amount")
    return int(text)


def _check_amount(amount: int, currency: str) -> None:
    if amount < _SMALLEST:
        raise invalid("Amount must be at least 50 cents", code="amount_too_small", param="amount")
    if currency in _THREE_DECIMALS and amount % 10:
        raise invalid("Invalid amount: the last digit must be 0", param="amount")


def _unexpected_state(intent: dict[str, Any], act: str) -> Refused:
    message = f"You cannot {act} this PaymentIntent because it has a status of {intent['status']}."
    return invalid(message, code="payment_intent_unexpected_state")
