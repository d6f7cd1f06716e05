"""Port to the payment provider.

Every call carries an idempotency key. The gateway acts at most once per key and answers a repeated call with
the first outcome. A cancelled key can never be charged.
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
    """Outcome of a charge, with the values of Stripe's PaymentIntents."""

    SUCCEEDED = "succeeded"
    #: The means of payment was declined, and nothing was charged.
    DECLINED = "requires_payment_method"
    #: Cancelled before it was charged.
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """Status of a refund, with the values of Stripe's API."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ChargeRequest(NamedTuple):
    """Arguments of a call of ``charge``."""

    key: str
    amount: Money
    #: The provider's token of the means of payment.
    token: str
    order_id: UUID


@dataclass(frozen=True, slots=True)
class Charge:
    """The gateway's answer for a charge."""

    reference: str
    status: ChargeStatus
    #: The decline code, as in ``insufficient_funds``.
    code: str = ""
    message: str = ""


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
    """Captured and refunded amounts under one key, in the provider's books."""

    key: str
    captured: Decimal
    refunded: Decimal
    currency: str


class Gateway(Protocol):
    """Payment provider. Raises GatewayTimeout (outcome unknown) or GatewayUnavailable (nothing done)."""

    def charge(self, *, key: str, amount: Money, token: str, order_id: UUID) -> Charge:
        """Charge, once per key."""
        ...

    def charge_many(self, requests: Sequence[ChargeRequest]) -> Mapping[str, Charge]:
        """Make several charges in one call, each once per key; return the charges by key.

        A request without an outcome is missing from the result, and is then made by charge(). An adapter to
        a provider without batches uses several connections at once, or returns no charges.
        """
        ...

    def find_charge(self, *, key: str) -> Charge | None:
        """Return the charge with a key; None if the gateway has not finished one."""
        ...

    def cancel_charge(self, *, key: str) -> Charge:
        """Prevent charges under a key from now on; return the charge as it stands.

        Atomic at the gateway: a charge that was made before stays as it is.
        """
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
        """Yield all captured charges, for audits."""
        ...


_FAILPOINTS = Calls(
    "gateway",
    "charge",
    "charge_many",
    "find_charge",
    "cancel_charge",
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
