"""Accounts in the admin."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from console.seeding import seed
from orders import services
from orders.events import Address
from orders.intake import OrderRequest
from tests.support.forms import fields_of

pytestmark = pytest.mark.django_db
LONDON = Address(name="Al", street="1 High St", city="London", postal_code="SW1Y 4JH", country="GB")


@pytest.fixture
def alice() -> User:
    seed()
    return User.objects.get(username="alice")


def order(customer: User, orders: int) -> None:
    for _ in range(orders):
        wanted = OrderRequest(lines=[("MUG", 1)], ship_to=LONDON, payment_method="pm_card_visa")
        services.place_order(customer=customer, request=wanted)


def test_the_page_to_delete_a_customer_is_as_short_with_many_orders_and_deletes_none(alice, admin_client):
    page = reverse("admin:auth_user_delete", args=[alice.pk])
    order(alice, 1)
    few = admin_client.get(page).content
    order(alice, 20)
    many = admin_client.get(page).content
    assert b"Its orders are kept: close the account instead" in many
    assert len(many) == len(few)
    admin_client.post(page, {"post": "yes"})
    assert User.objects.filter(pk=alice.pk).exists()


@pytest.mark.parametrize("name", ["\u200b", "\u3164"])
def test_an_account_gets_no_name_that_nobody_can_see(client, name):
    client.force_login(User.objects.create_superuser("olga"))
    al = User.objects.create_user("al", first_name="Al")
    url = reverse("admin:auth_user_change", args=[al.pk])
    answer = client.post(url, fields_of(client.get(url)) | {"first_name": name})
    assert "can be seen" in answer.content.decode()
    assert User.objects.get(pk=al.pk).first_name == "Al"
