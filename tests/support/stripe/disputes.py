"""Disputes of the stand-in, which customers' banks open and decide."""

import time
from typing import Any

from tests.support.stripe.account import Account, _page
from tests.support.stripe.forms import check

_DAYS = 24 * 3600


def open_dispute(
    account: Account,
    intent: str,
    *,
    amount: int | None = None,
    reason: str = "fraudulent",
    inquiry: bool = False,
) -> str:
    """Dispute the charge of a PaymentIntent, as the customer's bank does; return the dispute's id."""
    charge = account.charges[account.intents[intent]["latest_charge"]]
    dispute = account._new("dp", "dispute", {}) | {
        "amount": amount or charge["amount"],
        "charge": charge["id"],
        "currency": charge["currency"],
        "evidence_details": {"due_by": int(time.time()) + 7 * _DAYS, "has_evidence": False},
        "payment_intent": intent,
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    account.disputes[dispute["id"]] = dispute
    charge["disputed"] = True
    return str(dispute["id"])


def decide(account: Account, name: str, status: str) -> None:
    """Move a dispute: ``under_review``, ``won``, ``lost`` or ``warning_closed``."""
    account.disputes[name] |= {"status": status}


def list_disputes(account: Account, params: dict[str, Any]) -> dict[str, Any]:
    check(params, optional=("payment_intent", "charge", "limit", "starting_after"))
    wanted = {name: params[name] for name in ("payment_intent", "charge") if name in params}
    found = [one for one in account.disputes.values() if all(one[key] == of for key, of in wanted.items())]
    return _page(found, params, "/v1/disputes")
