"""Fixtures of the feed: whoever reads it, and what happens."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from inventory import services as inventory
from orders import services
from orders.events import Address
from orders.intake import OrderRequest
from orders.models import Order
from shop.accounts.api_keys import create_key


@pytest.fixture
def reader(db) -> Callable[..., APIClient]:
    """Return a function that makes an account, by default of an integrator, and a client with its key."""

    def make(name: str = "ines", *, is_staff: bool = True, scopes: tuple[str, ...] = ("events:read",)):
        user = User.objects.create_user(name, is_staff=is_staff)
        if is_staff:
            user.user_permissions.add(Permission.objects.get(codename="read_events"))
        return client_of(user, *scopes)

    return make


def client_of(user: User, *scopes: str) -> APIClient:
    """Return a client with a new key of a user."""
    _, text = create_key(user=user, name="feed", scopes=list(scopes))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    client.key = text  # type: ignore[attr-defined]
    return client


@pytest.fixture
def place(db) -> Callable[[str], Order]:
    """Return a function that places an order of a customer."""
    inventory.add_product(sku="MUG", name="Mug", price=Decimal(8), stock=9)

    def place_order(name: str) -> Order:
        customer, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@example.com"})
        address = Address(
            name=name, street="12 St James's Sq", city="London", postal_code="SW1Y 4JH", country="GB"
        )
        request = OrderRequest(lines=[("MUG", 1)], ship_to=address, payment_method="pm_card_visa")
        return services.place_order(customer=customer, request=request)

    return place_order
