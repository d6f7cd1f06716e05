"""An Idempotency-Key stands for its order until it expires."""

from datetime import UTC, datetime, timedelta

import pytest

from orders import services
from orders.models import Order

pytestmark = pytest.mark.django_db


def grow_old(order: Order, days: float) -> None:
    Order.objects.filter(pk=order.pk).update(placed_at=datetime.now(UTC) - timedelta(days=days))


def test_an_old_key_expires_and_places_a_new_order(place):
    old, young = place(idempotency_key="k-old"), place(idempotency_key="k-young")
    grow_old(old, days=31)
    grow_old(young, days=29)

    assert services.forget_idempotency_keys() == (1, True)
    assert place(idempotency_key="k-young").pk == young.pk
    assert place(idempotency_key="k-old").pk != old.pk
    assert services.forget_idempotency_keys() == (0, True)
