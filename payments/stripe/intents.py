"""PaymentIntents: one for each key, made first, then confirmed, and captured or cancelled.

An intent that is not confirmed holds no money, and Stripe captures or cancels it, never both.
"""

from dataclasses import replace
from typing import Any

from payments.confirmation import return_url
from payments.errors import GatewayTimeout, UnknownCharge
from payments.gateway import CaptureRequest, Charge, ChargeRequest, ChargeStatus
from payments.stripe import lookup
from payments.stripe.client import KEY, metadata_of, payment_intents
from payments.stripe.failures import KeyTaken, Refused, at_most_once, translated
from payments.stripe.lookup import DECLINED, TOMBSTONE
from payments.stripe.minor_units import NotInMinorUnits, from_minor, to_minor

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
    try:
        intent = lookup.make_once(asked, lambda: payment_intents().create(_params(asked), _under(asked.key)))
    except NotInMinorUnits as error:
        return Charge("", ChargeStatus.DECLINED, "invalid_charge_amount", str(error))
    except Refused as refusal:
        if not _is_decline(refusal):
            raise
        return Charge("", ChargeStatus.DECLINED, refusal.code or "invalid_request", refusal.words)
    if TOMBSTONE in metadata_of(intent):
        return cancel(intent)
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


def cancel(intent: Any) -> Charge:
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


def use_up(key: str) -> Any:
    """Make an intent for a key, to be cancelled, so that nothing else can be made under it."""
    params: Any = {**_TOMBSTONE, "metadata": {KEY: key, TOMBSTONE: "1"}}
    return lookup.create_once(key, lambda: payment_intents().create(params, _under(key)))


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


def expect(name: str, status: str, outcome: Charge | None) -> Charge:
    """Return an outcome; GatewayTimeout if there is none yet."""
    if outcome is None:
        raise GatewayTimeout(f"{name} is {status} at Stripe")
    return outcome


def _params(asked: ChargeRequest) -> Any:
    return {
        "amount": to_minor(asked.amount),
        "currency": asked.amount.currency.lower(),
        "payment_method": asked.token,
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "metadata": lookup.metadata_for(asked),
    }


def _under(key: str) -> Any:
    return {"idempotency_key": key}


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
    return cancel(payment_intents().update(intent.id, {"metadata": {DECLINED: code}}))


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
    return expect(intent.id, intent.status, outcome_of(intent))
