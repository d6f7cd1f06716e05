"""REST API of the catalogue for staff: products are added and changed, and their history says why."""

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from inventory.models import Product, StockMovement
from shop import journal
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db

JSON = {"format": "json"}
PRODUCTS, TEAPOT = "/api/v1/products", "/api/v1/products/TEAPOT"
CUP = {"sku": "CUP", "name": "Cup", "price": {"amount": "4", "currency": "EUR"}, "stock": 3, "reason": "new"}


@pytest.fixture
def olga() -> APIClient:
    client = APIClient()
    rights = ("view_product", "add_product", "change_product")
    client.force_authenticate(staff_with(*(f"inventory.{right}" for right in rights), username="olga"))
    return client


def history(product: Product) -> list[str]:
    return [act.text for act in journal.acts_on("inventory", "product", product.pk)]


def test_a_product_is_added_with_its_stock(olga):
    answer = olga.post(PRODUCTS, CUP, **JSON)
    assert (answer.status_code, answer.json()["price"]["amount"]) == (201, "4.00")
    cup = Product.objects.get(sku="CUP")
    assert (cup.available, cup.active) == (3, True)
    assert [(one.kind, one.quantity) for one in StockMovement.objects.filter(product=cup)] == [("initial", 3)]
    [entry] = history(cup)
    assert entry.startswith("Added it. Reason: new (by the REST API")


@pytest.mark.parametrize("sku", [0, "", "A B", "X" * 65])
def test_a_product_needs_a_sku(olga, sku):
    assert olga.post(PRODUCTS, {**CUP, "sku": sku}, **JSON).status_code == 400
    assert not Product.objects.exists()


def test_a_product_that_is_there_is_not_added_again(olga, teapot):
    answer = olga.post(PRODUCTS, {**CUP, "sku": "TEAPOT"}, **JSON)
    assert answer.status_code == 409
    assert "TEAPOT already" in answer.json()["detail"]
    teapot.refresh_from_db()
    assert (teapot.name, teapot.price) == ("Teapot", Decimal("24.95"))
    assert history(teapot) == []


def test_a_price_changes_and_the_rest_stays(olga, teapot):
    body = {"price": {"amount": "26.50", "currency": "EUR"}, "active": False, "reason": "Dearer clay"}
    answer = olga.patch(TEAPOT, body, **JSON)
    assert answer.status_code == 200
    changed = Product.objects.get(sku="TEAPOT")
    assert (changed.price, changed.active, changed.name) == (Decimal("26.50"), False, teapot.name)
    assert changed.available == teapot.available
    [entry] = history(teapot)
    told = "Changed active: True → False, price: 24.95 → 26.50. Reason: Dearer clay (by the REST API"
    assert entry.startswith(told)


def test_whoever_decided_on_an_older_state_is_refused(olga, teapot):
    seen = olga.get(TEAPOT)["ETag"]
    assert olga.patch(TEAPOT, {"name": "Pot"}, **JSON, headers={"If-Match": seen}).status_code == 200
    assert olga.patch(TEAPOT, {"name": "Can"}, **JSON, headers={"If-Match": seen}).status_code == 412
    assert Product.objects.get(sku="TEAPOT").name == "Pot"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": {"amount": "1.234", "currency": "EUR"}}, "price"),
        ({"name": "\u200b"}, "name"),
        ({"stock": 3}, "stock"),
        ({"active": "yes"}, "active"),
    ],
)
def test_what_is_wrong_changes_nothing(olga, teapot, change, field):
    answer = olga.patch(TEAPOT, {"backorderable": True, **change}, **JSON)
    assert answer.status_code == 400
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.json()
    assert not Product.objects.get(sku="TEAPOT").backorderable


def test_an_unknown_product_is_not_changed(olga):
    assert olga.patch("/api/v1/products/NONE", {"name": "x"}, **JSON).status_code == 404
