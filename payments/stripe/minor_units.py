"""Amounts in Stripe's minor units, which differ from ISO 4217 for a few currencies."""

from decimal import Decimal

from shop.currencies import CURRENCIES
from shop.messaging.contracts import Money

#: Decimals of Stripe's amounts where they are not those of ISO 4217.
_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}


class NotInMinorUnits(ValueError):
    """The amount has more decimals than Stripe's amounts in this currency."""


def to_minor(money: Money) -> int:
    """Return an amount in minor units.

    Raises:
        NotInMinorUnits: Stripe has no such amount.
    """
    minor = money.amount.scaleb(_decimals_of(money.currency))
    if minor != minor.to_integral_value():
        raise NotInMinorUnits(f"Stripe cannot express {money.amount} {money.currency}")
    return int(minor)


def from_minor(minor: int, currency: str) -> Money:
    """Return an amount of Stripe's books; Stripe writes currencies in small letters."""
    code = currency.upper()
    return Money.stored(Decimal(minor).scaleb(-_decimals_of(code)), code)


def _decimals_of(currency: str) -> int:
    return _DECIMALS.get(currency, CURRENCIES.get(currency, 2))
