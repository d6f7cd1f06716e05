"""``manage.py seed`` adds demonstration data and is idempotent."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from rest_framework.test import APIClient

from inventory import queries, services

pytestmark = pytest.mark.django_db


def keys_in(output: str) -> list[str]:
    return re.findall("API token (shop_[0-9A-Za-z]+)", output)


def opens(key: str) -> bool:
    return APIClient(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/orders").status_code == 200


def seed() -> str:
    out = StringIO()
    call_command("seed", demo=True, stdout=out)
    return out.getvalue()


def test_there_are_products_with_pictures_and_stock():
    seed()
    products = queries.catalogue()
    assert len(products) == 24
    assert all(product.picture and product.in_stock and product.price for product in products)
    names = [category.name for category in queries.categories()]
    assert names == ["Food and drink", "Kitchen", "Home and garden", "Books and leisure"]
    assert all(product.category for product in products)


def test_everybody_can_log_in_with_what_is_printed(client):
    output = seed()
    for name in ("alice", "bob", "carol", "operator"):
        assert client.login(username=name, password=f"{name}-pass")
        assert f"{name}-pass" in output

    assert User.objects.get(username="operator").is_superuser
    assert not User.objects.get(username="bob").is_staff
    assert User.objects.get(username="carol").email == "carol@example.com"


def test_each_key_that_is_printed_opens_the_api_until_the_next_seeding():
    first, second = keys_in(seed()), keys_in(seed())
    assert [opens(key) for key in (*first, *second)] == [False] * 4 + [True] * 4


def test_seeding_again_changes_nothing():
    first = seed()
    services.add_product(sku="MUG", name="The Mug", price=queries.prices_of(["MUG"])["MUG"].unit_price + 1)
    services.adjust_stock(sku="TEA-MINT", quantity=-5, reason="drunk")
    alice = User.objects.get(username="alice")
    alice.set_password("changed")
    alice.save()

    second = seed()
    assert "(unless it was changed)" in second
    assert "(unless it was changed)" not in first
    assert queries.prices_of(["MUG"])["MUG"].name == "The Mug"
    assert queries.stock_levels(["TEA-MINT"])["TEA-MINT"].available == 395
    assert User.objects.count() == 4
    assert User.objects.get(username="alice").check_password("changed")
