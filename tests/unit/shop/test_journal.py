"""The journal: entries about acts, with the actor and the door, in the transaction of the act."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db.transaction import TransactionManagementError
from django.test import RequestFactory
from django.urls import reverse
from rest_framework.test import APIClient

from inventory import services
from inventory.models import Product
from shop import journal
from shop.accounts.api_keys import create_key
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db
RIGHTS = ("inventory.view_product", "inventory.view_stock", "inventory.adjust_stock")


def test_the_journal_names_the_actor_the_door_and_the_key():
    olga = staff_with(
        "inventory.view_product", "inventory.view_stock", "inventory.adjust_stock", username="olga"
    )
    key, text = create_key(user=olga, name="till")
    pot = services.add_product(sku="POT", name="Pot", price=9, stock=5)
    client = APIClient(headers={"Authorization": f"Bearer {text}", "Idempotency-Key": "one"})
    client.post(reverse("stock-adjust", args=["POT"]), {"quantity": -2, "reason": "Broken"}, format="json")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (olga, str(pot.pk))
    told = f"Adjusted the stock: -2, Broken (by the REST API, with the key {key.prefix}… (till))"
    assert entry.get_change_message() == told
    client.force_login(olga)
    history = client.get(reverse("admin:inventory_product_history", args=[pot.pk])).content.decode()
    assert "Adjusted the stock: -2, Broken" in history


def test_a_refused_act_is_not_in_the_journal():
    olga = staff_with(*RIGHTS, username="olga")
    services.add_product(sku="POT", name="Pot", price=9, stock=5)
    client = APIClient(headers={"Idempotency-Key": "one"})
    client.force_authenticate(olga)
    url = reverse("stock-adjust", args=["POT"])
    assert client.post(url, {"quantity": -9, "reason": "Broken"}, format="json").status_code == 409
    assert Product.objects.get().available == 5
    assert not LogEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_act_without_its_entry_in_the_same_transaction_is_an_error():
    with pytest.raises(TransactionManagementError):
        journal.record(RequestFactory().get("/"), Product, "Did something.")
