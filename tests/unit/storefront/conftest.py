"""Fixtures of the storefront: a small catalogue, customers, and helpers to buy."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from inventory import services as inventory
from orders import queries as orders
from orders.queries import Details

LONDON = {
    "name": "Ada Lovelace",
    "street": "12 St James's Sq",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


@pytest.fixture
def catalogue(db) -> None:
    inventory.add_product(sku="MUG", name="Blue mug", price=Decimal("12.90"), picture="☕", stock=10)
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), picture="🫖", stock=5)
    inventory.add_product(sku="PLANT", name="Rubber plant", price=Decimal("18.00"), stock=0)
    inventory.add_product(sku="OLD", name="Old pot", price=Decimal("1.00"), stock=3, active=False)


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user(
        "ada", "ada@example.com", "correct horse", first_name="Ada", last_name="Lovelace"
    )


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob", "bob@example.com", "battery staple")


@pytest.fixture
def visitor(catalogue) -> Client:
    """Client that is not logged in, of a shop with products."""
    return Client()


@pytest.fixture
def customer(catalogue, ada) -> Client:
    """Client logged in as Ada."""
    client = Client()
    client.force_login(ada)
    return client


def put_into_basket(client: Client, sku: str, quantity: int = 1) -> None:
    client.post("/basket/add/", {"sku": sku, "quantity": quantity})


def filled_form(client: Client, **changes: str) -> dict[str, str]:
    """Return the fields of the checkout form as on the page, filled in."""
    page = client.get("/checkout/").content.decode()
    hidden = {
        name: re.search(f'name="{name}" value="([^"]*)"', page)[1] for name in ("idempotency_key", "seen")
    }
    return {**hidden, **LONDON, "payment_method": "pm_card_visa", **changes}


@pytest.fixture
def buy(customer) -> Callable[..., Details]:
    """Function that places an order of Ada, by default of two mugs, and returns it."""

    def place_order(sku: str = "MUG", quantity: int = 2, **changes: str) -> Details:
        put_into_basket(customer, sku, quantity)
        answer = customer.post("/checkout/", filled_form(customer, **changes))
        assert answer.status_code == 302, answer.content.decode()
        return order_at(answer["Location"])

    return place_order


def order_at(url: str) -> Details:
    found = orders.order_by_number(url.strip("/").split("/")[-1])
    return orders.order(found.id)


def text_of(answer: Any) -> str:
    """Return the text of a page on one line, without tags."""
    text = re.sub(r"<(script|style|head).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", text.replace("&#x27;", "'"))


def order_ids(customer: User) -> list[UUID]:
    return [order.id for order in orders.latest_orders(customer_id=customer.pk)]
