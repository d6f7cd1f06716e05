"""Port to the payment provider.

A payment is authorised, which holds the amount, and captured, which takes it; or it is cancelled. Every call
carries an idempotency key. The gateway acts at most once per key and answers a repeated call with the first
outcome, or with what has become of it. A cancelled key can never be authorised, and what is captured can no
longer be cancelled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from payments.disputes import ProviderDispute
from payments.errors import GatewayError, GatewayTimeout, GatewayUnavailable
from shop.messaging.contracts import Money
from shop.messaging.providers import Calls, check_outside_transaction
from shop.webhooks.endpoints import Notice

__all__ = [
    "CancelRequest",
    "CaptureRequest",
    "Charge",
    "ChargeRequest",
    "ChargeStatus",
    "Gateway",
    "GatewayError",
    "GatewayTimeout",
    "GatewayUnavailable",
    "GivenBack",
    "LedgerLine",
    "ProviderRefund",
    "RefundStatus",
    "forget_charges",
    "gateway",
    "notices_since",
    "provider_ledger",
]

#: Class of the gateway, unless ``settings.SHOP_PAYMENT_GATEWAY`` names another.
DEFAULT_GATEWAY = "payments.simulator.gateway.SimulatedGateway"


class ChargeStatus(StrEnum):
    """State of a payment at the provider, with the values of Stripe's PaymentIntents."""

    #: The customer has to confirm first, as with 3-D Secure; nothing is held.
    REQUIRES_ACTION = "requires_action"
    #: The amount is held, and not taken yet.
    REQUIRES_CAPTURE = "requires_capture"
    #: The amount is taken.
    SUCCEEDED = "succeeded"
    #: The means of payment was declined, or holds nothing any more; nothing is taken.
    DECLINED = "requires_payment_method"
    #: Cancelled before it was captured.
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """Status of a refund, with the values of Stripe's API."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ChargeRequest(NamedTuple):
    """Arguments of a call of ``authorise``."""

    key: str
    amount: Money
    #: The provider's token of the means of payment, or HOSTED_PAGE.
    token: str
    order_id: UUID


class CaptureRequest(NamedTuple):
    """Arguments of a call of ``capture``."""

    key: str
    #: The reference of what was authorised.
    charge: str
    amount: Money


class CancelRequest(NamedTuple):
    """Arguments of a call of ``cancel``."""

    key: str
    #: The reference of what is held, if the caller knows it.
    charge: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """The gateway's answer about a payment."""

    reference: str
    status: ChargeStatus
    #: The code of a decline, or of a capture that failed, as in ``insufficient_funds``.
    code: str = ""
    message: str = ""
    #: The amount that is taken.
    captured: Decimal = Decimal(0)
    #: The page on which the customer confirms. Whoever knows the address can.
    confirm_url: str = ""


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """The gateway's answer for a refund."""

    reference: str
    status: RefundStatus
    code: str = ""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Refund of a charge in the provider's books, whoever requested it."""

    reference: str
    amount: Money
    status: RefundStatus
    #: The key that it was requested under; empty if it was made by hand.
    key: str = ""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """Captured, refunded and held amounts under one key, in the provider's books."""

    key: str
    captured: Decimal
    refunded: Decimal
    currency: str
    held: Decimal = Decimal(0)


class Gateway(Protocol):
    """Payment provider. Raises GatewayTimeout (outcome unknown) or GatewayUnavailable (nothing done)."""

    def authorise(self, *, key: str, amount: Money, token: str, order_id: UUID) -> Charge:
        """Hold an amount, once per key.

        REQUIRES_ACTION if the customer has to confirm at ``confirm_url``. The provider holds the amount then,
        or declines; it says so by a notice, and find() does. With HOSTED_PAGE as token the customer gives the
        means of payment there, and tries others after a decline; the end of the page's time cancels it.
        """
        ...

    def authorise_many(self, requests: Sequence[ChargeRequest]) -> Mapping[str, Charge]:
        """Hold several amounts in one call, each once per key; return the answers by key.

        A request without an outcome is missing from the result, and is then made by authorise(). An adapter
        to a provider without batches uses several connections at once, or returns nothing.
        """
        ...

    def capture(self, *, key: str, charge: str, amount: Money) -> Charge:
        """Take what is held under a reference, or a part of it and release the rest, once.

        Returns the payment as it stands. A refusal has a code: its status is REQUIRES_CAPTURE while the hold
        stands, otherwise DECLINED or CANCELED. A call under the same key repeats it; one under another key
        tries again.
        """
        ...

    def capture_many(self, requests: Sequence[CaptureRequest]) -> Mapping[str, Charge]:
        """Take several amounts in one call, as authorise_many() holds them."""
        ...

    def find(self, *, key: str, charge: str = "") -> Charge | None:
        """Return the payment with a key as it stands; None if the gateway has not finished one.

        A gateway whose search lags uses the reference, if the caller knows it.
        """
        ...

    def cancel(self, *, key: str, charge: str = "") -> Charge:
        """Release what is held under a key and hold nothing under it from now on; return it as it stands.

        Atomic at the gateway: what was captured or declined before stays as it is, and what the customer has
        not confirmed can no longer be.
        """
        ...

    def cancel_many(self, requests: Sequence[CancelRequest]) -> Mapping[str, Charge]:
        """Release several amounts in one call, as authorise_many() holds them."""
        ...

    def refund(self, *, key: str, charge: str, amount: Money) -> ProviderRefund:
        """Refund an amount of the charge with this reference, once per key."""
        ...

    def find_refund(self, *, key: str, charge: str) -> ProviderRefund | None:
        """Return the refund of a charge with a key, as it stands now; None if there is none."""
        ...

    def find_refunds(self, *, charge: str) -> Sequence[GivenBack]:
        """Return all refunds of the charge with this reference, oldest first, also those made by hand."""
        ...

    def find_order(self, *, charge: str) -> UUID | None:
        """Return the order of the charge with this reference; None if the shop did not make the charge."""
        ...

    def find_disputes(self, *, charge: str) -> Sequence[ProviderDispute]:
        """Return the disputes of the charge with this reference, as they stand now.

        A lost one is also among find_refunds(), for it has given the money back, and in ledger().
        """
        ...

    def notices_since(self, moment: datetime) -> Iterable[tuple[Notice, bytes]]:
        """Yield the notices that the provider has made since then, with their bodies."""
        ...

    def forget(self, *, keys: Sequence[str]) -> None:
        """Erase what identifies the customers of charges, as far as the provider does so."""
        ...

    def ledger(self) -> Iterable[LedgerLine]:
        """Yield all charges that are captured or held, for audits."""
        ...


_FAILPOINTS = Calls(
    "gateway",
    "authorise",
    "authorise_many",
    "capture",
    "capture_many",
    "find",
    "cancel",
    "cancel_many",
    "refund",
    "find_refund",
    "find_refunds",
)


def gateway() -> Gateway:
    """Return the configured gateway, to be called outside of any transaction.

    Raises:
        InsideTransaction: a transaction is open.
    """
    check_outside_transaction()
    return _FAILPOINTS.watch(_configured())


def provider_ledger() -> Iterable[LedgerLine]:
    """Return the provider's own books, for audits, also inside a transaction."""
    return _configured().ledger()


def notices_since(moment: datetime) -> Iterable[tuple[Notice, bytes]]:
    """Return the provider's notices since a moment, outside of any transaction."""
    check_outside_transaction()
    return _configured().notices_since(moment)


def forget_charges(keys: Sequence[str]) -> None:
    """Have the provider erase what identifies the customers of charges."""
    check_outside_transaction()
    _configured().forget(keys=keys)


def _configured() -> Gateway:
    return _load(getattr(settings, "SHOP_PAYMENT_GATEWAY", DEFAULT_GATEWAY))


@cache
def _load(path: str) -> Gateway:
    made: Gateway = import_string(path)()
    return made
