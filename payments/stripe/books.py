"""Stripe's books: charges and what was given back of them, lost disputes included, page by page."""

from collections.abc import Iterator
from typing import Any

from payments.gateway import LedgerLine, RefundStatus
from payments.stripe.client import KEY, PAGE, charges, metadata_of, refunds
from payments.stripe.disputing import lost_of
from payments.stripe.failures import translated
from payments.stripe.giving_back import status_of
from payments.stripe.minor_units import from_minor


def ledger() -> Iterator[LedgerLine]:
    """Yield the captured, refunded and held amounts of the shop's charges.

    Charges without the shop's key, as others make in the same account, are left out.
    """
    with translated():
        page = charges().list({"limit": PAGE, "expand": ["data.refunds"]})
        for charge in page.auto_paging_iter():
            if charge.status == "succeeded" and (charge.amount_captured or _is_held(charge)):
                key = metadata_of(charge).get(KEY)
                if key:
                    yield _line(key, charge)


def _line(key: str, charge: Any) -> LedgerLine:
    captured = from_minor(charge.amount_captured, charge.currency)
    refunded = from_minor(_refunded(charge) + lost_of(charge), charge.currency)
    held = from_minor(charge.amount if _is_held(charge) else 0, charge.currency)
    return LedgerLine(key, captured.amount, refunded.amount, captured.currency, held.amount)


def _is_held(charge: Any) -> bool:
    """Tell what is held from what is captured, and from what was released, which Stripe marks as refunded."""
    return not charge.captured and not charge.refunded


def _refunded(charge: Any) -> int:
    """Return the sum of refunds that have succeeded; Stripe's own sum counts pending ones, too."""
    if not charge.captured or not charge.amount_refunded:
        return 0
    made = charge.refunds.data
    if charge.refunds.has_more:
        made = refunds().list({"charge": charge.id, "limit": PAGE}).auto_paging_iter()
    return sum(one.amount for one in made if status_of(one) == RefundStatus.SUCCEEDED)
