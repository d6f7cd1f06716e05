"""Disputes as the port to the provider knows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shop.messaging.contracts import Money


class DisputeStatus(StrEnum):
    """Status of a dispute at the provider, in Stripe's words."""

    #: The provider waits for the shop's evidence.
    NEEDS_RESPONSE = "needs_response"
    #: The customer's bank decides.
    UNDER_REVIEW = "under_review"
    #: The shop keeps the money.
    WON = "won"
    #: The customer keeps the money.
    LOST = "lost"


#: Statuses in which a dispute has ended.
CLOSED = frozenset({DisputeStatus.WON, DisputeStatus.LOST})


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """Dispute of a charge in the provider's books."""

    reference: str
    amount: Money
    #: The provider's word, as in ``fraudulent``.
    reason: str
    status: DisputeStatus
    #: Time until which evidence counts; None if none is asked for.
    evidence_due_at: datetime | None
    #: Page of the dispute at the provider, for finance.
    url: str
