"""PaymentIntents: one for each key, made first, then confirmed, and captured or cancelled.

An intent that is not confirmed holds no money, and Stripe captures or cancels it, never both. It is found
again by its idempotency key, which Stripe keeps for a day, and by its metadata, which Stripe's search knows
after about a minute. An intent that may be older than a day is searched first.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from payments.confirmation import return_url
from payments.errors import GatewayTimeout, KeyReused, UnknownCharge
from payments.gateway import CaptureRequest, Charge, ChargeRequest, ChargeStatus
from payments.stripe.client import KEY, metadata_of, payment_intents
from payments.stripe.failures import KeyTaken, Refused, StoredFailure, at_most_once, translated
from payments.stripe.minor_units import NotInMinorUnits, from_minor, to_minor
from shop.ids import uuid7_time

#: Age of an order below which Stripe still knows its idempotency key, which it keeps for at least a day.
REMEMBERED = timedelta(hours=20)
#: Metadata: a digest of the request; the mark of an intent that is made to be cancelled.
REQUEST, TOMBSTONE = "shop_request", "shop_tombstone"
#: Metadata: the id of the order.
ORDER = "shop_order"
#: Metadata: the code of a decline that is the shop's own.
DECLINED = "shop_declined"
#: Decline code of a customer who would have to confirm in a way that is no page.
MUST_CONFIRM = "authentication_required"
#: Code of Stripe's refusal to confirm or cancel an intent that was confirmed or cancelled before.
_UNEXPECTED_STATE = "payment_intent_unexpected_state"
#: Parameters that come from the customer. A refusal of them is a decline; of others, an error of ours.
_CUSTOMERS = {"amount", "currency", "payment_method"}
#: An amount that every account at Stripe can take. It is never charged.
_TOMBSTONE = {"amount": 100, "currency": "usd"}
#: Codes of Stripe's refusal to capture, after which the intent tells what is held.
_NOT_CAPTURED = {
    _UNEXPECTED_STATE,
    "amount_too_large",
    "capture_charge_authorization_expired",
    "capture_unauthorized_payment",
    "charge_expired_for_capture",
}


def authorise(asked: ChargeRequest) -> Charge:
    """Hold an amount, once per key.

    Raises:
        KeyReused: the key was used for another amount or means of payment.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    known = None if _is_remembered(asked.order_id) else find(asked.key)
    try:
        intent = known or _create(asked.key, _params(asked))
    except NotInMinorUnits as error:
        return Charge("", ChargeStatus.DECLINED, "invalid_charge_amount", str(error))
    except Refused as refusal:
        if not _is_decline(refusal):
            raise
        return Charge("", ChargeStatus.DECLINED, refusal.code or "invalid_request", refusal.words)
    metadata = metadata_of(intent)
    if TOMBSTONE in metadata:
        return _cancel(intent)
    if metadata.get(REQUEST) != _digest(asked):
        raise KeyReused(f"{asked.key} was used for another amount or means of payment before")
    return outcome_of(intent) or _confirm(intent, asked)


def capture(asked: CaptureRequest) -> Charge:
    """Capture what is held, once; an intent that is captured stays as it is.

    Raises:
        UnknownCharge: Stripe knows no such PaymentIntent.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    params = {"amount_to_capture": to_minor(asked.amount)}
    try:
        captured = at_most_once(
            asked.key,
            lambda key: payment_intents().capture(asked.charge, params, {"idempotency_key": key}),
            look=lambda: _captured(asked.charge),
        )
    except KeyTaken:  # an earlier call was for another amount
        with translated():
            captured = payment_intents().retrieve(asked.charge)
    except Refused as refusal:
        return _not_captured(asked, refusal)
    return _expect_outcome(captured)


def cancel(key: str) -> Charge:
    """Cancel the intent of a key; one that has none gets one, so that the key is used up."""
    return _cancel(find(key) or _create(key, {**_TOMBSTONE, "metadata": {KEY: key, TOMBSTONE: "1"}}))


def find(key: str) -> Any | None:
    """Return the intent of a key as it stands; None if Stripe's search knows none, perhaps not yet."""
    with translated():
        found = payment_intents().search({"query": f'metadata["{KEY}"]:"{key}"'}).data
        return payment_intents().retrieve(found[0].id) if found else None


def order_of(name: str) -> UUID | None:
    """Return the order of an intent; None if the shop did not make it."""
    try:
        with translated():
            order = metadata_of(payment_intents().retrieve(name)).get(ORDER)
    except Refused:
        return None
    return UUID(order) if order else None


def outcome_of(intent: Any) -> Charge | None:
    """Return the outcome of an intent; None while Stripe has not decided, or was not asked to."""
    if intent.status in {"requires_capture", "succeeded"}:
        captured = from_minor(intent.amount_received, intent.currency).amount
        return Charge(intent.id, ChargeStatus(intent.status), captured=captured)
    if intent.status == "requires_action" and (page := _page_of(intent)):
        return Charge(intent.id, ChargeStatus.REQUIRES_ACTION, confirm_url=page)
    if intent.status == "canceled" and (code := metadata_of(intent).get(DECLINED)):
        return Charge(intent.id, ChargeStatus.DECLINED, code)
    if intent.status == "canceled":
        return Charge(intent.id, ChargeStatus.CANCELED)
    error = intent.last_payment_error
    if intent.status == "requires_payment_method" and error:
        code = getattr(error, "decline_code", None) or getattr(error, "code", None) or error.type
        return Charge(intent.id, ChargeStatus.DECLINED, code, getattr(error, "message", None) or "")
    return None


def _params(asked: ChargeRequest) -> Any:
    return {
        "amount": to_minor(asked.amount),
        "currency": asked.amount.currency.lower(),
        "payment_method": asked.token,
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "metadata": {KEY: asked.key, REQUEST: _digest(asked), ORDER: str(asked.order_id)},
    }


def _create(key: str, params: Any) -> Any:
    """Create the intent of a key, or return the one that Stripe has made under it before.

    The second is as it was when it was made.
    """
    try:
        with translated():
            return payment_intents().create(params, {"idempotency_key": key})
    except KeyTaken as error:
        if known := find(key):
            return known
        raise GatewayTimeout(f"{error}: {key} is used, and not found yet") from None
    except StoredFailure:
        if known := find(key):  # Stripe repeats the error for a day, though the intent may exist
            return known
        raise


def _page_of(intent: Any) -> str:
    """Return the page on which the customer confirms; empty if the intent asks for something else."""
    action = getattr(intent, "next_action", None)
    if not action or action.type != "redirect_to_url":
        return ""
    page: str = action.redirect_to_url.url
    return page


def _confirm(intent: Any, asked: ChargeRequest) -> Charge:
    """Confirm an intent. A customer who has to confirm, too, comes back to the shop's page of the order."""

    def act(idempotency_key: str) -> Charge:
        try:
            with translated():
                confirmed = payment_intents().confirm(
                    intent.id,
                    {"return_url": return_url(asked.order_id)},
                    {"idempotency_key": idempotency_key},
                )
        except Refused as refusal:
            confirmed = payment_intents().retrieve(intent.id)
            if not refusal.is_by_card and refusal.code != _UNEXPECTED_STATE:
                if refusal.param and not _is_decline(refusal):
                    raise
                return _decline(confirmed, refusal.code or "invalid_request")
        except KeyTaken:  # by a release that had no page to come back to
            confirmed = payment_intents().retrieve(intent.id)
        if confirmed.status == "requires_action" and not _page_of(confirmed):
            return _decline(confirmed, MUST_CONFIRM)
        return _expect_outcome(confirmed)

    key = f"{asked.key}:confirm"
    return at_most_once(key, act, look=lambda: outcome_of(payment_intents().retrieve(intent.id)))


def _is_decline(refusal: Refused) -> bool:
    """Tell a refusal of what the customer sent from that of a wrong request."""
    return refusal.is_by_card or refusal.param in _CUSTOMERS


def _decline(intent: Any, code: str) -> Charge:
    """Cancel an intent that Stripe leaves open, and note the code, so that the answer stays the same."""
    return _cancel(payment_intents().update(intent.id, {"metadata": {DECLINED: code}}))


def _cancel(intent: Any) -> Charge:
    """Cancel an intent that is held, unconfirmed or undecided; return the charge as it stands."""
    known = outcome_of(intent)
    if known and known.status not in {ChargeStatus.REQUIRES_ACTION, ChargeStatus.REQUIRES_CAPTURE}:
        return known
    with translated():
        try:
            with translated():
                cancelled = payment_intents().cancel(intent.id)
        except Refused:  # it was captured or cancelled meanwhile
            cancelled = payment_intents().retrieve(intent.id)
    return _expect_outcome(cancelled)


def _captured(intent_id: str) -> Any | None:
    intent = payment_intents().retrieve(intent_id)
    return intent if intent.status == "succeeded" else None


def _not_captured(asked: CaptureRequest, refusal: Refused) -> Charge:
    """Return the charge as it stands after Stripe's refusal, with the code unless it is captured."""
    if refusal.code == "resource_missing":
        raise UnknownCharge(f"Stripe knows no such charge: {asked.charge!r}") from None
    if not refusal.is_by_card and refusal.code not in _NOT_CAPTURED:
        raise refusal
    with translated():
        outcome = _expect_outcome(payment_intents().retrieve(asked.charge))
    is_captured = outcome.status == ChargeStatus.SUCCEEDED
    return outcome if is_captured else replace(outcome, code=refusal.code, message=refusal.words)


def _expect_outcome(intent: Any) -> Charge:
    outcome = outcome_of(intent)
    if outcome is None:
        raise GatewayTimeout(f"{intent.id} is {intent.status} at Stripe")
    return outcome


def _is_remembered(order_id: UUID) -> bool:
    return order_id.version == 7 and datetime.now(UTC) - uuid7_time(order_id) < REMEMBERED


def _digest(asked: ChargeRequest) -> str:
    """Return a digest that tells requests apart and does not show the means of payment."""
    text = f"{asked.amount.amount.normalize()} {asked.amount.currency} {asked.token}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
