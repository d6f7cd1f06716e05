"""Prices: the decimals of their currency, wherever they come in, and products that cost nothing."""

from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client

from inventory import services
from inventory.models import Product

pytestmark = pytest.mark.django_db

#: Prices, and the fields that are wrong about them.
WRONG = [
    ("100.50", "JPY", {"price"}),
    ("0.015", "EUR", {"price"}),
    ("1.2345", "KWD", {"price"}),
    ("1.00", "XXX", {"currency", "price"}),
    ("1.00", "XTS", {"currency", "price"}),
    ("1.00", "XAU", {"currency", "price"}),
    ("1.00", "ZZZ", {"currency", "price"}),
    ("-1.00", "EUR", {"price"}),
    ("10000000000", "EUR", {"price"}),
    ("1E+40", "EUR", {"price"}),
    ("NaN", "EUR", {"price"}),
    ("Infinity", "EUR", {"price"}),
]
RIGHT = [
    ("900", "JPY", "900"),
    ("1.235", "KWD", "1.235"),
    ("0.0125", "CLF", "0.0125"),
    ("9.9", "EUR", "9.90"),
    ("0", "EUR", "0.00"),
]


@pytest.mark.parametrize(("price", "currency", "fields"), WRONG)
def test_a_price_that_its_currency_does_not_allow_is_refused(price, currency, fields):
    product = Product(sku="SAKE", name="Sake", price=Decimal(price), currency=currency)
    with pytest.raises(ValidationError) as refusal:
        product.full_clean()
    assert set(refusal.value.message_dict) == fields
    with pytest.raises(ValidationError):
        services.add_product(sku="SAKE", name="Sake", price=Decimal(price), currency=currency)


@pytest.mark.parametrize(("price", "currency", "fields"), WRONG)
def test_the_database_refuses_such_a_price_of_a_product_on_sale(price, currency, fields):
    services.add_product(sku="SAKE", name="Sake", price=Decimal(1))
    refused = pytest.raises(IntegrityError, match="product_price")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_product SET price = %s::numeric, currency = %s", [price, currency])


@pytest.mark.parametrize(("price", "currency", "text"), RIGHT)
def test_a_price_has_the_decimals_of_its_currency(price, currency, text, client):
    services.add_product(sku="SAKE", name="Sake", price=Decimal(price), currency=currency)
    stored = Product.objects.get()
    assert (str(stored.price), stored.price_text) == (text, f"{text} {currency}")
    shown = client.get("/api/v1/products/SAKE").json()
    assert shown["price"] == {"amount": text, "currency": currency}


@pytest.fixture
def olga() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga", "olga@example.com"))
    return client


def form(**changes: str) -> dict[str, str]:
    return {"sku": "SAKE", "name": "Sake", "price": "900", "currency": "JPY", "active": "on",
            "initial_stock": "5"} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"price": "100.50"}, "JPY has 0 decimals: round the price."),
        ({"currency": "XXX"}, "XXX is no currency: use the ISO 4217 code, as in EUR."),
        ({"price": "-1"}, "greater than or equal to 0"),
    ],
)
def test_the_admin_says_what_is_wrong_with_a_price(olga, changes, error):
    answer = olga.post("/admin/inventory/product/add/", form(**changes))
    assert error in answer.content.decode()
    assert not Product.objects.exists()


def test_an_operator_adds_and_edits_a_price(olga):
    assert olga.post("/admin/inventory/product/add/", form()).status_code == 302
    product = Product.objects.get()
    page = f"/admin/inventory/product/{product.pk}/change/"
    assert "JPY has 0 decimals" in olga.post(page, form(price="1.5")).content.decode()
    assert olga.post(page, form(price="0")).status_code == 302
    product.refresh_from_db()
    assert product.price_text == "0 JPY"


def test_a_product_without_a_real_price_is_not_put_on_sale(olga):
    Product.objects.create(sku="SAKE", name="Sake", price=Decimal("100.50"), currency="JPY", active=False)
    services.add_product(sku="MUG", name="Mug", price=Decimal(1), active=False)
    keys = [str(key) for key in Product.objects.values_list("pk", flat=True)]
    data = {"action": "put_on_sale", "_selected_action": keys}
    answer = olga.post("/admin/inventory/product/", data, follow=True).content.decode()
    assert "Sake (SAKE) stays off sale: 100.5 JPY is no price." in answer
    assert "On sale: 1 products." in answer
    assert list(Product.objects.filter(active=True).values_list("sku", flat=True)) == ["MUG"]


def test_the_migration_takes_products_without_a_real_price_off_sale(capsys):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_product DROP CONSTRAINT product_price_has_decimals")
    for sku, price, currency in (("SAKE", "100.50", "JPY"), ("BAR", "1", "XAU"), ("MUG", "1.50", "EUR")):
        Product.objects.create(sku=sku, name=sku, price=Decimal(price), currency=currency)
    import_module("inventory.migrations.0006_amounts_of_any_currency").take_off_sale(
        apps, SimpleNamespace(connection=connection)
    )
    assert list(Product.objects.filter(active=True).values_list("sku", flat=True)) == ["MUG"]
    told = capsys.readouterr().out
    assert "SAKE is taken off sale: 100.50 JPY is no price." in told
    assert "BAR is taken off sale" in told
