"""Rule for orders that only the providers know: a restore of the database has lost them."""

from collections.abc import Iterator

from console.audit.cases import Case

#: Decision after which the money and the label of a lost order stay.
KEPT = "kept"


def lost(case: Case) -> Iterator[str]:
    """Check that nothing is held or kept, and no label valid, for an order that the shop does not know."""
    if not case.is_lost or case.decision == KEPT:
        return
    held = sum(balance.provider_held for balance in case.balances)
    kept = sum(balance.provider_captured - balance.provider_refunded for balance in case.balances)
    if held or kept:
        yield f"the shop does not know it, and the payment provider holds {held} and has taken {kept}"
    if not case.decision and any(parcel.label == "booked" for parcel in case.parcels):
        yield "the shop does not know it, and the carrier has a label of it"
