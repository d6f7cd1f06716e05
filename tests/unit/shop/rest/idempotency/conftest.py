"""Fixtures: an operator and a product whose stock she adjusts."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from inventory import services
from inventory.models import Product

URL = "/api/v1/stock/TEAPOT/adjust"
FIVE_MORE = {"quantity": 5, "reason": "Delivery"}


@pytest.fixture
def olga(db) -> User:
    return User.objects.create_superuser("olga", "olga@example.com")


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    def client(user: User) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(user)
        return client

    return client


@pytest.fixture
def teapot(db) -> Product:
    return services.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), stock=10)


@pytest.fixture
def available(teapot) -> Callable[[], int]:
    return lambda: Product.objects.get(sku="TEAPOT").available


@pytest.fixture
def adjust(client_of, olga, teapot) -> Callable[..., object]:
    """Adjust the stock as Olga, or as another user."""

    def post(key: str | None, body: object = FIVE_MORE, user: User = olga, url: str = URL):
        headers = {} if key is None else {"Idempotency-Key": key}
        return client_of(user).post(url, body, format="json", headers=headers)

    return post
