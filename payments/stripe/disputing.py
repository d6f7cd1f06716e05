"""Disputes at Stripe. Inquiries, with which banks begin, count as disputes: the parcel had better wait."""

from datetime import UTC, datetime
from typing import Any

from payments.disputes import DisputeStatus, ProviderDispute
from payments.gateway import GivenBack, RefundStatus
from payments.stripe.client import PAGE, disputes
from payments.stripe.failures import translated
from payments.stripe.minor_units import from_minor

_STATUSES = {
    "warning_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "warning_under_review": DisputeStatus.UNDER_REVIEW,
    "warning_closed": DisputeStatus.WON,
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "prevented": DisputeStatus.WON,
}


def find_all(*, intent: str) -> list[ProviderDispute]:
    """Return the disputes of a PaymentIntent, oldest first."""
    return [_as_dispute(made) for made in reversed(_all(payment_intent=intent))]


def given_back(*, intent: str) -> list[GivenBack]:
    """Return the lost disputes of a PaymentIntent: the customer has the money."""
    return [
        GivenBack(made.id, from_minor(made.amount, made.currency), RefundStatus.SUCCEEDED)
        for made in reversed(_all(payment_intent=intent))
        if made.status == DisputeStatus.LOST
    ]


def lost_of(charge: Any) -> int:
    """Return the sum of the lost disputes of a charge, in minor units."""
    if not charge.disputed:
        return 0
    return sum(made.amount for made in _all(charge=charge.id) if made.status == DisputeStatus.LOST)


def _all(**of: str) -> list[Any]:
    params: Any = {**of, "limit": PAGE}
    with translated():
        return list(disputes().list(params).auto_paging_iter())


def _as_dispute(made: Any) -> ProviderDispute:
    due = made.evidence_details.due_by if made.evidence_details else None
    mode = "" if made.livemode else "test/"
    return ProviderDispute(
        reference=made.id,
        amount=from_minor(made.amount, made.currency),
        reason=made.reason,
        status=_STATUSES[made.status],
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
        url=f"https://dashboard.stripe.com/{mode}disputes/{made.id}",
    )
