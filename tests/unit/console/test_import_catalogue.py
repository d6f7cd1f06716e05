"""``manage.py import_catalogue``: adds what is missing, and leaves alone what the shop sells already."""

import json
from decimal import Decimal

import pytest
from django.core.management import call_command

from inventory.models import Product
from inventory.services import add_product

pytestmark = pytest.mark.django_db


def test_known_products_are_left_alone_and_missing_ones_are_added(tmp_path):
    add_product(
        sku="MUG", name="Blue mug", price=Decimal("14.90"), description="Blue", picture="☕", active=False
    )
    wanted = {
        "products": [
            {"sku": sku, "name": "A mug", "price": "1.00", "currency": "GBP", "needed": 3}
            for sku in ("MUG", "CUP")
        ],
        "customers": {},
        "reason": "for an import",
    }
    (tmp_path / "wanted.json").write_text(json.dumps(wanted))
    call_command("import_catalogue", tmp_path / "wanted.json", "--tokens", tmp_path / "tokens.json")
    mug, cup = Product.objects.get(sku="MUG"), Product.objects.get(sku="CUP")
    assert (mug.name, mug.price_text, mug.description, mug.picture, mug.active) == (
        "Blue mug",
        "14.90 EUR",
        "Blue",
        "☕",
        False,
    )
    assert (cup.name, cup.price_text) == ("A mug", "1.00 GBP")
    assert (mug.available, cup.available) == (3, 3)
