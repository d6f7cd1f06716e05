"""Means of payment in events. Only payments may import this module; an import rule says so."""

from collections.abc import Sequence

from shop.messaging.contracts import Event
from shop.privacy.sealing import F, open_for


def open_payment_methods(events: Sequence[Event], facts: type[F]) -> list[F]:
    """Open the means of payment of events, as open_sealed() opens personal facts."""
    return open_for("payment", events, facts)
