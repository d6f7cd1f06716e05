"""Stripe behind the port of payments."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from payments.confirmation import HOSTED_PAGE
from payments.disputes import ProviderDispute
from payments.errors import GatewayError
from payments.gateway import (
    CancelRequest,
    CaptureRequest,
    Charge,
    ChargeRequest,
    GivenBack,
    LedgerLine,
    ProviderRefund,
)
from payments.stripe import books, disputing, giving_back, hosted, intents, lookup, webhooks
from payments.stripe.client import connections, payment_intents
from payments.stripe.failures import Refused, translated
from shop.messaging.contracts import Money
from shop.messaging.providers import TIME_LIMIT, check_outside_transaction
from shop.webhooks.endpoints import Notice

logger = logging.getLogger("shop.payments")

A = TypeVar("A", ChargeRequest, CaptureRequest, CancelRequest)

#: Fields of a PaymentIntent that describe a customer. The shop sets none; somebody may, in the dashboard.
PERSONAL = ("description", "receipt_email", "shipping")


class StripeGateway:
    """Gateway that authorises and captures cards through Stripe's PaymentIntents and hosted page."""

    def authorise(self, *, key: str, amount: Money, token: str, order_id: UUID) -> Charge:
        """Hold an amount, once per key, or say where the customer has to confirm."""
        check_outside_transaction()
        return _authorise(ChargeRequest(key, amount, token, order_id))

    def authorise_many(self, requests: Sequence[ChargeRequest]) -> dict[str, Charge]:
        """Hold over several connections at once; what fails or does not start in time is left out."""
        check_outside_transaction()
        return _each(requests, _authorise)

    def capture(self, *, key: str, charge: str, amount: Money) -> Charge:
        """Capture what a PaymentIntent holds, once."""
        check_outside_transaction()
        return intents.capture(CaptureRequest(key, charge, amount))

    def capture_many(self, requests: Sequence[CaptureRequest]) -> dict[str, Charge]:
        """Capture over several connections at once, as authorise_many() holds."""
        check_outside_transaction()
        return _each(requests, intents.capture)

    def find(self, *, key: str, charge: str = "") -> Charge | None:
        """Return the charge with a key; None until Stripe's search knows it, and while it has no outcome."""
        check_outside_transaction()
        made = lookup.find(key, charge)
        return hosted.outcome_of(made) if made else None

    def cancel(self, *, key: str, charge: str = "") -> Charge:
        """Cancel the PaymentIntent or Checkout Session of a key, be the intent made for that."""
        check_outside_transaction()
        return _cancel(CancelRequest(key, charge))

    def cancel_many(self, requests: Sequence[CancelRequest]) -> dict[str, Charge]:
        """Cancel over several connections at once, as authorise_many() holds."""
        check_outside_transaction()
        return _each(requests, _cancel)

    def refund(self, *, key: str, charge: str, amount: Money) -> ProviderRefund:
        """Refund an amount of a PaymentIntent, once per key."""
        check_outside_transaction()
        return giving_back.refund(key=key, intent=charge, amount=amount)

    def find_refund(self, *, key: str, charge: str) -> ProviderRefund | None:
        """Return the refund with a key, as it stands now."""
        check_outside_transaction()
        return giving_back.find(key=key, intent=charge)

    def find_refunds(self, *, charge: str) -> list[GivenBack]:
        """Return all refunds of a PaymentIntent, also those made in the dashboard, and lost disputes."""
        check_outside_transaction()
        if charge.startswith(lookup.SESSION):
            return []  # nothing was taken on its page yet
        return [*giving_back.find_all(intent=charge), *disputing.given_back(intent=charge)]

    def find_order(self, *, charge: str) -> UUID | None:
        """Return the order of a PaymentIntent or Checkout Session, which its metadata names."""
        check_outside_transaction()
        return lookup.order_of(charge)

    def find_disputes(self, *, charge: str) -> list[ProviderDispute]:
        """Return the disputes of a PaymentIntent."""
        check_outside_transaction()
        return [] if charge.startswith(lookup.SESSION) else disputing.find_all(intent=charge)

    def notices_since(self, moment: datetime) -> Iterator[tuple[Notice, bytes]]:
        """Yield Stripe's events since a moment."""
        check_outside_transaction()
        return webhooks.since(moment)

    def forget(self, *, keys: Sequence[str]) -> None:
        """Erase what was written about customers beside the card. Stripe keeps the card's own details."""
        for key in keys:
            if intent := lookup.find(key):
                _forget(intent)

    def ledger(self) -> Iterator[LedgerLine]:
        """Yield the captured, refunded and held amounts, charge by charge."""
        return books.ledger()


def _authorise(asked: ChargeRequest) -> Charge:
    return hosted.authorise(asked) if asked.token == HOSTED_PAGE else intents.authorise(asked)


def _cancel(asked: CancelRequest) -> Charge:
    return hosted.cancel(lookup.find(asked.key, asked.charge) or intents.use_up(asked.key))


def _each(requests: Sequence[A], act: Callable[[A], Charge]) -> dict[str, Charge]:
    attempt = partial(_try, act, until=time.monotonic() + TIME_LIMIT)
    charges = zip(requests, connections().map(attempt, requests), strict=True)
    return {asked.key: charge for asked, charge in charges if charge}


def _try(act: Callable[[A], Charge], asked: A, *, until: float) -> Charge | None:
    if time.monotonic() > until:
        return None
    try:
        return act(asked)
    except GatewayError as error:
        logger.warning("call %s is made again by itself: %s", asked.key, error)
        return None


def _forget(intent: Any) -> None:
    written = {field: "" for field in PERSONAL if getattr(intent, field, None)}
    if not written:
        return
    try:
        with translated():
            payment_intents().update(intent.id, written)
    except Refused as refusal:
        logger.warning("Stripe keeps %s of %s: %s", ", ".join(written), intent.id, refusal)
