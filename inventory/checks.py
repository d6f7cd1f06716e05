"""System check of inventory: prices have a currency."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from shop.currencies import CURRENCIES


@register()
def currency_of_the_shop_exists(**kwargs: Any) -> list[CheckMessage]:
    """Check that ISO 4217 knows the currency of products without one of their own."""
    if settings.SHOP_CURRENCY in CURRENCIES:
        return []
    return [
        Error(
            f"SHOP_CURRENCY is {settings.SHOP_CURRENCY!r}, which is no currency.",
            hint="Set it to a code of ISO 4217, as in EUR.",
            id="inventory.E001",
        )
    ]
