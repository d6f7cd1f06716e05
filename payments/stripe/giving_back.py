"""Refunds at Stripe: once per key, found again among all refunds of their PaymentIntent."""

from typing import Any

from payments.errors import KeyReused, UnknownCharge
from payments.gateway import GivenBack, ProviderRefund, RefundStatus
from payments.stripe.client import KEY, PAGE, metadata_of, refunds
from payments.stripe.failures import KeyTaken, Refused, at_most_once, translated
from payments.stripe.minor_units import from_minor, to_minor
from shop.messaging.contracts import Money

_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
#: Failure code of a refusal without one, as of more than is left of a charge.
REFUSED = "refund_refused"


def refund(*, key: str, intent: str, amount: Money) -> ProviderRefund:
    """Refund an amount, once per key. The list comes first: Stripe forgets idempotency keys after a day.

    Raises:
        KeyReused: the key was used for another amount.
        UnknownCharge: Stripe knows no such PaymentIntent.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    minor = to_minor(amount)
    known = _with_key(key, intent)
    if known and known.amount != minor:
        raise KeyReused(f"{key} was used for another amount before")
    if known:
        return as_refund(known)
    params = {"payment_intent": intent, "amount": minor, "metadata": {KEY: key}}
    try:
        return at_most_once(
            key,
            lambda idempotency_key: as_refund(refunds().create(params, {"idempotency_key": idempotency_key})),
            look=lambda: find(key=key, intent=intent),
        )
    except KeyTaken:
        raise KeyReused(f"{key} was used for another refund before") from None
    except Refused as refusal:
        return ProviderRefund("", RefundStatus.FAILED, refusal.code or REFUSED)


def find(*, key: str, intent: str) -> ProviderRefund | None:
    """Return the refund with a key as it stands; None if there is none."""
    known = _with_key(key, intent)
    return as_refund(known) if known else None


def find_all(*, intent: str) -> list[GivenBack]:
    """Return all refunds of a PaymentIntent, oldest first."""
    return [
        GivenBack(
            made.id, from_minor(made.amount, made.currency), status_of(made), metadata_of(made).get(KEY, "")
        )
        for made in reversed(_all(intent))
    ]


def as_refund(made: Any) -> ProviderRefund:
    """Return a refund as an answer of the port."""
    return ProviderRefund(made.id, status_of(made), getattr(made, "failure_reason", None) or "")


def status_of(made: Any) -> RefundStatus:
    """Return the port's status of a refund."""
    return _STATUSES[made.status]


def _with_key(key: str, intent: str) -> Any | None:
    return next((made for made in _all(intent) if metadata_of(made).get(KEY) == key), None)


def _all(intent: str) -> list[Any]:
    """Return all refunds of a PaymentIntent, newest first. Stripe's lists show at once what was made."""
    try:
        with translated():
            page = refunds().list({"payment_intent": intent, "limit": PAGE})
            return list(page.auto_paging_iter())
    except Refused as refusal:
        if refusal.code == "resource_missing":
            raise UnknownCharge(f"Stripe knows no such charge: {intent!r}") from None
        raise
