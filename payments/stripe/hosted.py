"""Checkout Sessions: pages of Stripe on which customers give the means of payment.

Stripe makes the PaymentIntent of a session when the customer pays, and cancels it when the session expires.
While the session is open it alone tells how the payment stands: a decline is dealt with on its page.
"""

from typing import Any

from payments.confirmation import PAGE_EXPIRED, return_url
from payments.gateway import Charge, ChargeRequest, ChargeStatus
from payments.stripe import intents, lookup
from payments.stripe.client import checkout_sessions, metadata_of, payment_intents
from payments.stripe.failures import Refused, translated
from payments.stripe.lookup import HOSTED
from payments.stripe.minor_units import NotInMinorUnits, to_minor

#: Name of what is paid for, on Stripe's page.
TITLE = "Your order"
#: Codes of Stripe's refusal of an amount, which comes from the customer.
_AMOUNTS = {"amount_too_small", "amount_too_large"}
#: Statuses in which an intent tells how the payment stands by itself.
_DECIDED = {"requires_capture", "succeeded", "canceled"}
_EXPIRED = "The payment page has expired."


def authorise(asked: ChargeRequest) -> Charge:
    """Open a page on which the customer pays, once per key.

    Raises:
        KeyReused: the key was used for another amount or means of payment.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    try:
        params, under = _params(asked), {"idempotency_key": asked.key}
        made = lookup.make_once(asked, lambda: checkout_sessions().create(params, under))
    except NotInMinorUnits as error:
        return Charge("", ChargeStatus.DECLINED, "invalid_charge_amount", str(error))
    except Refused as refusal:
        if refusal.code not in _AMOUNTS:
            raise
        return Charge("", ChargeStatus.DECLINED, refusal.code, refusal.words)
    if lookup.TOMBSTONE in metadata_of(made):
        return intents.cancel(made)
    return intents.expect(made.id, made.status, outcome_of(made))


def outcome_of(made: Any) -> Charge | None:
    """Return the outcome of an intent or session; None while Stripe has not decided."""
    session = _session_of(made)
    if session is None:
        return intents.outcome_of(made)
    if session.status == "open":
        return Charge(session.id, ChargeStatus.REQUIRES_ACTION, confirm_url=session.url)
    if session.status == "expired":
        return Charge(session.id, ChargeStatus.CANCELED, PAGE_EXPIRED, _EXPIRED)
    with translated():
        return intents.outcome_of(payment_intents().retrieve(session.payment_intent))


def cancel(made: Any) -> Charge:
    """Cancel an intent, or have the session expire that is still open; return the charge as it stands."""
    session = _session_of(made)
    if session is None:
        return intents.cancel(made)
    if session.status == "open":
        session = _expire(session)
    if session.status == "expired":
        return Charge(session.id, ChargeStatus.CANCELED)
    with translated():
        return intents.cancel(payment_intents().retrieve(session.payment_intent))


def _session_of(made: Any) -> Any | None:
    """Return the session that tells how a payment stands; None if its intent does."""
    if made.object == "checkout.session":
        return made
    if made.status in _DECIDED or HOSTED not in metadata_of(made):
        return None
    with translated():
        return next(iter(checkout_sessions().list({"payment_intent": made.id, "limit": 1}).data), None)


def _expire(session: Any) -> Any:
    with translated():
        try:
            with translated():
                return checkout_sessions().expire(session.id)
        except Refused:  # it was completed or has expired meanwhile
            return checkout_sessions().retrieve(session.id)


def _params(asked: ChargeRequest) -> Any:
    page, metadata = return_url(asked.order_id), lookup.metadata_for(asked)
    price = {
        "currency": asked.amount.currency.lower(),
        "unit_amount": to_minor(asked.amount),
        "product_data": {"name": TITLE},
    }
    return {
        "mode": "payment",
        "payment_method_types": ["card"],
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": {"capture_method": "manual", "metadata": {**metadata, HOSTED: "1"}},
        "metadata": metadata,
        "client_reference_id": str(asked.order_id),
        "success_url": page,
        "cancel_url": page,
    }
