"""The port to the payment provider: what payments asks of any gateway, whoever it is.

Every call carries an idempotency key. The gateway acts at most once per key and answers a repeated
call with the first outcome; a cancelled key can never be charged again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from payments.errors import GatewayError, GatewayTimeout, GatewayUnavailable
from shop.messaging.contracts import Money
from shop.messaging.providers import Calls, check_outside_transaction

__all__ = [
    "Charge",
    "ChargeRequest",
    "ChargeStatus",
    "Gateway",
    "GatewayError",
    "GatewayTimeout",
    "GatewayUnavailable",
    "LedgerLine",
    "ProviderRefund",
    "RefundStatus",
    "gateway",
    "provider_ledger",
]

#: Used unless ``settings.SHOP_PAYMENT_GATEWAY`` names another class.
DEFAULT_GATEWAY = "payments.simulator.gateway.SimulatedGateway"


class ChargeStatus(StrEnum):
    """How a charge ended, in the words of Stripe's PaymentIntents."""

    SUCCEEDED = "succeeded"
    #: The means of payment was declined; nothing was charged.
    DECLINED = "requires_payment_method"
    #: It was cancelled before it was charged.
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """How far a refund is, in Stripe's words."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ChargeRequest(NamedTuple):
    """What a gateway is asked to charge, as the arguments of ``charge``."""

    key: str
    amount: Money
    #: The provider's token of the means of payment.
    token: str
    order_id: UUID


@dataclass(frozen=True, slots=True)
class Charge:
    """The gateway's answer about a charge."""

    reference: str
    status: ChargeStatus
    #: The decline code, as in ``insufficient_funds``.
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """The gateway's answer about a refund."""

    reference: str
    status: RefundStatus
    code: str = ""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What the provider has taken and given back under one charge key."""

    key: str
    captured: Decimal
    refunded: Decimal
    currency: str


class Gateway(Protocol):
    """A payment provider. Raises GatewayTimeout (outcome unknown) and GatewayUnavailable (nothing done)."""

    def charge(self, *, key: str, amount: Money, token: str, order_id: UUID) -> Charge:
        """Take the money, once per key."""
        ...

    def charge_many(self, requests: Sequence[ChargeRequest]) -> Mapping[str, Charge]:
        """Take the money of several in one call, each once per key; the charges by key.

        Leaves out what has no charge yet, whatever is wrong with it: it is asked for with charge(). A gateway
        that takes one at a time asks on several connections at once, or answers none.
        """
        ...

    def find_charge(self, *, key: str) -> Charge | None:
        """The charge made under ``key``; None if the gateway has not finished one."""
        ...

    def cancel_charge(self, *, key: str) -> Charge:
        """See to it that nothing is charged under ``key`` from now on; answers how the charge stands.

        Decided atomically at the gateway: a charge that came first stays as it is.
        """
        ...

    def refund(self, *, key: str, charge: str, amount: Money) -> ProviderRefund:
        """Give money of the charge with this reference back, once per key."""
        ...

    def find_refund(self, *, key: str) -> ProviderRefund | None:
        """The refund asked for under ``key``, as it stands now; None if there is none."""
        ...

    def ledger(self) -> Iterable[LedgerLine]:
        """All that was captured, for audits."""
        ...


_CALLS = Calls("gateway", "charge", "charge_many", "find_charge", "cancel_charge", "refund", "find_refund")


def gateway() -> Gateway:
    """Return the configured gateway, to be called outside of any transaction.

    Raises:
        InsideTransaction: a transaction is open.
    """
    check_outside_transaction()
    return _CALLS.watch(_configured())


def provider_ledger() -> Iterable[LedgerLine]:
    """Return the provider's own books, for audits; reading them is safe everywhere."""
    return _configured().ledger()


def _configured() -> Gateway:
    return _load(getattr(settings, "SHOP_PAYMENT_GATEWAY", DEFAULT_GATEWAY))


@cache
def _load(path: str) -> Gateway:
    made: Gateway = import_string(path)()
    return made
