"""Decimals of currencies, and amounts as text."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import DecimalField

from inventory.checks import currency_of_the_shop_exists
from payments.models import Payment
from shop.currencies import CURRENCIES, as_text, fits


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("100", "JPY"), ("100.00", "JPY"), ("1E+2", "JPY"), ("0", "JPY"), ("49.90", "EUR"), ("1.235", "KWD"),
        ("1.2350", "KWD"), ("0.0001", "CLF"), ("0.0001", "UYW"), ("9" * 30, "EUR"),
    ],
)  # fmt: skip
def test_an_amount_with_no_more_decimals_than_its_currency_fits(amount, currency):
    assert fits(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("100.50", "JPY"), ("0.015", "EUR"), ("1.2345", "KWD"), ("0.00001", "CLF"), ("NaN", "EUR"),
        ("Infinity", "EUR"), ("1", "XXX"), ("1", "XTS"), ("1", "XAU"), ("1", "XDR"), ("1", "ZZZ"),
        ("1", "eur"), ("1", ""),
    ],
)  # fmt: skip
def test_what_no_currency_has_does_not_fit(amount, currency):
    assert not fits(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("900", "JPY", "900"), ("900.00", "JPY", "900"), ("49.9", "EUR", "49.90"), ("1.2", "KWD", "1.200"),
        ("0", "CLF", "0.0000"), ("1234567.5", "USD", "1,234,567.50"), ("1.5", "BGN", "1.50"),
        # Stored by a release that knew no decimals: shown as it is, not rounded.
        ("100.50", "JPY", "100.5"), ("12345.678", "EUR", "12,345.678"),
    ],
)  # fmt: skip
def test_an_amount_is_written_with_all_decimals_of_its_currency(amount, currency, text):
    assert as_text(Decimal(amount), currency, thousands=",") == text


def test_every_currency_has_at_most_four_decimals():
    assert len(CURRENCIES) > 150
    assert set(CURRENCIES.values()) == {0, 2, 3, 4}


@pytest.mark.parametrize(("currency", "problems"), [("EUR", 0), ("JPY", 0), ("XXX", 1), ("", 1)])
def test_the_shop_does_not_start_with_a_currency_that_does_not_exist(settings, currency, problems):
    settings.SHOP_CURRENCY = currency
    assert len(currency_of_the_shop_exists()) == problems


@pytest.mark.django_db
def test_widening_a_column_of_amounts_rewrites_no_table():
    now = Payment._meta.get_field("amount")
    before = DecimalField(max_digits=12, decimal_places=2)
    before.set_attributes_from_name("amount")
    before.model = Payment
    with connection.schema_editor() as editor:
        for constraint in ("payment_captured_within_amount", "payment_refunds_within_captured"):
            editor.execute(f"ALTER TABLE payments_payment DROP CONSTRAINT {constraint}")
        editor.alter_field(Payment, now, before)
        narrow = _file_of("payments_payment")
        editor.alter_field(Payment, before, now)
    assert _file_of("payments_payment") == narrow


def _file_of(table: str) -> int:
    """Return the file of a table, which is another one after a rewrite."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [table])
        (found,) = cursor.fetchone()
        return int(found)
