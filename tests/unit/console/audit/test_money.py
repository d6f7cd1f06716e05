"""The chain and the audit with orders that cost nothing, and with money of few and of many decimals."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from console.audit import audit
from inventory.services import add_product
from orders.services import request_cancellation
from payments.models import SimulatedCharge


@pytest.mark.django_db(transaction=True)
def test_an_order_that_costs_nothing_is_shipped_and_another_is_cancelled(shop):
    add_product(sku="SAMPLE", name="Sample", price=Decimal(0), stock=9)
    given = shop.place(SAMPLE=1, pays_with="pm_card_visa_chargeDeclined")
    shop.run_to_end()
    shop.expect_status(given, "delivered")
    taken_back = shop.place(SAMPLE=1)
    request_cancellation(order_id=taken_back.pk, reason="customer")
    shop.run_to_end()
    shop.expect_status(taken_back, "cancelled")
    refused = shop.place(SAMPLE=1, street="EZ6000000006")
    shop.run_to_end()
    shop.expect_status(refused, "cancelled")
    orders = [given.pk, taken_back.pk, refused.pk]
    assert not SimulatedCharge.objects.filter(order_id__in=orders).exists()
    assert [str(violation) for violation in audit().violations] == []


@pytest.mark.django_db(transaction=True)
def test_the_books_balance_in_currencies_of_any_decimals(shop):
    for sku, price, currency in (
        ("SAKE", "900", "JPY"),
        ("DATES", "1.235", "KWD"),
        ("COPPER", "0.0125", "CLF"),
    ):
        add_product(sku=sku, name=sku, price=Decimal(price), currency=currency, stock=9)
        order = shop.place(**{sku: 3})
        shop.run_to_end()
        shop.expect_status(order, "delivered")
    printed = StringIO()
    call_command("audit", stdout=printed)
    for kept in ("2,700 JPY", "3.705 KWD", "0.0375 CLF"):
        assert f"the shop keeps {kept}" in printed.getvalue()
