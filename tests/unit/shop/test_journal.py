"""The journal: entries about acts, with the actor and the door, in the transaction of the act."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError
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
    request = RequestFactory().get("/")
    request.user = User()
    with pytest.raises(TransactionManagementError):
        journal.record(request, Product, "Did something.")


@pytest.fixture
def olga() -> User:
    """Somebody who has put a product on sale."""
    olga = staff_with(*RIGHTS, username="olga")
    request = RequestFactory().post("/")
    request.user = olga
    journal.record(request, Product, "Put on sale.")
    return olga


def test_an_account_with_entries_is_not_deleted(olga):
    with pytest.raises(ProtectedError, match="close the account instead"), transaction.atomic():
        User.objects.filter(pk=olga.pk).delete()
    assert LogEntry.objects.get().user == olga


@pytest.mark.parametrize("by", ["page", "action"])
def test_the_admin_says_that_an_account_with_entries_is_to_be_closed(olga, admin_client, by):
    url, data = reverse("admin:auth_user_delete", args=[olga.pk]), {"post": "yes"}
    if by == "action":
        url = reverse("admin:auth_user_changelist")
        data |= {"action": "delete_selected", "_selected_action": str(olga.pk)}
    assert "close the account instead" in admin_client.post(url, data).content.decode()
    assert LogEntry.objects.get().user == olga


def test_an_account_without_entries_is_deleted(admin_client):
    bob = User.objects.create_user("bob")
    admin_client.post(reverse("admin:auth_user_delete", args=[bob.pk]), {"post": "yes"})
    assert not User.objects.filter(pk=bob.pk).exists()
