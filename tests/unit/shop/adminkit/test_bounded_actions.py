"""Actions of admin lists: on a bounded number of rows, however they are chosen."""

import pytest
from django.contrib import admin
from django.urls import reverse

from inventory.models import Product
from inventory.services import add_product
from shop.adminkit.bounded_actions import BoundedActions
from shop.messaging.models import DeadLetter

pytestmark = pytest.mark.django_db

PRODUCTS = reverse("admin:inventory_product_changelist")

#: A row that is ticked; Django asks for one even where all are chosen.
TICKED = {"index": "0", "_selected_action": "0"}


@pytest.fixture
def pots(monkeypatch) -> None:
    """Three products, where an action takes two."""
    monkeypatch.setattr(BoundedActions, "max_selected", 2)
    for sku in ("POT-1", "POT-2", "MUG"):
        add_product(sku=sku, name=sku, price=9, stock=5)


@pytest.mark.parametrize("value", ["1", "on", "01", "True"])
def test_all_rows_of_a_list_are_refused_if_these_are_too_many(admin_client, pots, value):
    everything = {"action": "take_off_sale", "select_across": value, **TICKED}
    page = admin_client.post(PRODUCTS, everything, follow=True).content.decode()
    assert "more than 2 rows: filter the list" in page
    assert Product.objects.filter(active=True).count() == 3


def test_all_rows_of_a_filtered_list_are_taken(admin_client, pots):
    everything = {"action": "take_off_sale", "select_across": "1", **TICKED}
    admin_client.post(f"{PRODUCTS}?q=POT", everything)
    assert Product.objects.get(active=True).sku == "MUG"


def test_every_list_of_the_shop_with_actions_is_bounded():
    # No public function of the admin site lists all registered models.
    lists = [owner for owner in admin.site._registry.values() if owner.actions]
    unbounded = [owner for owner in lists if getattr(owner, "max_selected", None) is None]
    assert [owner.model for owner in unbounded] == [DeadLetter]
