"""Prices have the decimals of their currency of ISO 4217. A product may cost nothing.

A product on sale whose price is none, such as 100.50 JPY or 1.00 XXX, is taken off sale first.
"""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Round

from inventory.models import check_currency, default_currency
from shop.amounts import AmountField

#: Decimals -> codes, of the ISO 4217 of 2026-01-01.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
        "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
        "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
        "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MAX_PRICE = Decimal("9999999999.9999")


def _real_price() -> Q:
    condition = Q()
    for decimals, codes in _CODES.items():
        condition |= Q(currency__in=codes.split(), price=Round("price", precision=decimals))
    return condition


def take_off_sale(apps: Any, schema_editor: Any) -> None:
    """Take products off sale that have no real price, and name them."""
    decimals = " ".join(
        f"WHEN currency = ANY('{{{','.join(codes.split())}}}') THEN {decimals}"
        for decimals, codes in _CODES.items()
    )
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inventory_product SET active = false"
            f" WHERE active AND price IS DISTINCT FROM round(price, CASE {decimals} END)"  # noqa: S608
            " RETURNING sku, price, currency"
        )
        for sku, price, currency in sorted(cursor.fetchall()):
            print(f"\n    {sku} is taken off sale: {price} {currency} is no price.", end="")  # noqa: T201


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_permissions")]

    operations = [
        migrations.RemoveConstraint("product", "product_costs_something"),
        migrations.RunPython(take_off_sale, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            "product", "available", models.BigIntegerField(default=0, help_text="What can be sold now.")
        ),
        migrations.AlterField(
            "product",
            "currency",
            models.CharField(default=default_currency, max_length=3, validators=[check_currency]),
        ),
        migrations.AlterField(
            "product",
            "price",
            AmountField(validators=[MinValueValidator(Decimal(0)), MaxValueValidator(_MAX_PRICE)]),
        ),
        migrations.AddConstraint(
            "product",
            models.CheckConstraint(
                condition=Q(price__gte=0, price__lte=_MAX_PRICE), name="product_price_within_limits"
            ),
        ),
        migrations.AddConstraint(
            "product",
            models.CheckConstraint(
                condition=_real_price() | Q(active=False), name="product_price_has_decimals"
            ),
        ),
    ]
