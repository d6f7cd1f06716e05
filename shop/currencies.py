"""Currencies of ISO 4217 that a price can have, with their decimals."""

from decimal import Decimal

from iso4217 import Currency

#: Code -> decimals. Without XXX, XTS and those that have no minor unit, such as gold.
CURRENCIES: dict[str, int] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}
#: Decimals of a currency that has been withdrawn since an amount was stored.
_USUAL_DECIMALS = 2


def fits(amount: Decimal, currency: str) -> bool:
    """Tell whether the currency exists, and the amount has no more decimals than it."""
    decimals = CURRENCIES.get(currency)
    return decimals is not None and amount.is_finite() and _decimals_of(amount) <= decimals


def as_text(amount: Decimal, currency: str, *, thousands: str = "") -> str:
    """Format an amount with the currency's decimals, and with more of them only if it has more."""
    decimals = CURRENCIES.get(currency, _USUAL_DECIMALS)
    text = f"{amount:{thousands}.{decimals}f}"
    return text if _decimals_of(amount) <= decimals else f"{amount.normalize():{thousands}f}"


def _decimals_of(amount: Decimal) -> int:
    return -int(amount.normalize().as_tuple().exponent)
