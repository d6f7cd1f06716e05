"""Checkout Sessions of the stand-in, and the acts of a customer on their page."""

import time
from typing import Any

from tests.support.stripe.account import (
    DECLINES,
    MUST_CONFIRM,
    Account,
    _check_amount,
    _page,
    _whole,
)
from tests.support.stripe.answers import Refused, invalid, missing
from tests.support.stripe.forms import check

#: Life of a session, if the request does not say.
_DAY = 24 * 3600
_OPTIONAL = (
    "payment_method_types",
    "payment_intent_data",
    "metadata",
    "client_reference_id",
    "cancel_url",
    "expires_at",
)
#: Cards of the page, by the button that gives them.
CARDS = {"pay": "pm_card_visa", "decline": next(iter(DECLINES)), "confirm": MUST_CONFIRM}


def create_session(account: Account, params: dict[str, Any]) -> dict[str, Any]:
    check(params, required=("mode", "line_items", "success_url"), optional=_OPTIONAL)
    check(params.get("payment_intent_data", {}), optional=("capture_method", "metadata", "description"))
    amount, currency = _total(params["line_items"])
    _check_amount(amount, currency)
    session = account._new("cs_test", "checkout.session", params) | {
        "amount_total": amount,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "currency": currency,
        "customer_details": None,
        "expires_at": int(params.get("expires_at", time.time() + _DAY)),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_intent_data": params.get("payment_intent_data", {}),
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params["success_url"],
    }
    session["url"] = f"{account.pages}/c/pay/{session['id']}"
    account.sessions[session["id"]] = session
    return _shown(session)


def retrieve_session(account: Account, name: str, params: dict[str, Any]) -> dict[str, Any]:
    return _shown(_session(account, name))


def list_sessions(account: Account, params: dict[str, Any]) -> dict[str, Any]:
    check(params, optional=("payment_intent", "status", "created", "limit", "starting_after"))
    since = int(params.get("created", {}).get("gte", 0))
    wanted = {name: params[name] for name in ("payment_intent", "status") if name in params}
    found = [
        _shown(one)
        for one in account.sessions.values()
        if one["created"] >= since and all(one[key] == value for key, value in wanted.items())
    ]
    return _page(found, params, "/v1/checkout/sessions")


def expire_session(account: Account, name: str, params: dict[str, Any]) -> dict[str, Any]:
    session = _session(account, name)
    if session["status"] != "open":
        raise invalid(f"Only Checkout Sessions with a status in ['open'] can be expired: {name}.")
    return expire(account, name)


def expire(account: Account, name: str) -> dict[str, Any]:
    """End a session, as Stripe does after its time. Its intent ends with it."""
    session = _session(account, name)
    session |= {"status": "expired", "url": None}
    if session["payment_intent"]:
        account._release(account.intent(session["payment_intent"]))
    return _shown(session)


# --- The page ------------------------------------------------------------------------------------


def give_card(account: Account, name: str, token: str) -> str:
    """Pay with a card, as on the page; return Stripe's words if it is declined."""
    session = _open(account, name)
    intent = account.intents.get(session["payment_intent"] or "") or _new_intent(account, session)
    intent |= {"payment_method": token, "status": "requires_confirmation"}
    try:
        account.confirm_intent(intent["id"], {"return_url": session["success_url"]})
    except Refused as refusal:
        return str(refusal)
    _complete_if_held(account, session)
    return ""


def answer_bank(account: Account, name: str, *, confirms: bool) -> str:
    """Answer the bank's question on the page; return Stripe's words if nothing is held."""
    session = _open(account, name)
    account.customer_answers(session["payment_intent"], confirms=confirms)
    _complete_if_held(account, session)
    error = account.intent(session["payment_intent"])["last_payment_error"]
    return "" if session["status"] == "complete" else str(error["message"])


def _new_intent(account: Account, session: dict[str, Any]) -> dict[str, Any]:
    params = {"amount": session["amount_total"], "currency": session["currency"]}
    intent = account.create_intent(params | session["payment_intent_data"])
    session["payment_intent"] = intent["id"]
    return intent


def _complete_if_held(account: Account, session: dict[str, Any]) -> None:
    intent = account.intent(session["payment_intent"])
    if intent["status"] in {"requires_capture", "succeeded"}:
        intent["last_payment_error"] = None
        paid = "paid" if intent["status"] == "succeeded" else "unpaid"
        session |= {"status": "complete", "payment_status": paid, "url": None}


def _open(account: Account, name: str) -> dict[str, Any]:
    session = _session(account, name)
    if session["status"] != "open":
        raise invalid(f"The session is {session['status']}.")
    return session


def _session(account: Account, name: str) -> dict[str, Any]:
    if name not in account.sessions:
        raise missing("checkout.session", name, param="session", status=404)
    return account.sessions[name]


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session.items() if name != "payment_intent_data"}


def _total(items: list[dict[str, Any]]) -> tuple[int, str]:
    prices = [(item["price_data"], _whole(item["quantity"])) for item in items]
    for price, _ in prices:
        check(price, required=("currency", "unit_amount", "product_data"))
    (currency,) = {price["currency"] for price, _ in prices}
    return sum(_whole(price["unit_amount"]) * quantity for price, quantity in prices), currency
