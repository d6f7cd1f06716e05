"""Orders that are held up for their parcel."""

from collections.abc import Callable
from functools import partial

import pytest

from orders import history
from orders.models import Order
from tests.support import outcomes


@pytest.fixture
def held_up(place) -> Callable[[str], Order]:
    """Two teapots and a kettle, 138.90 EUR, whose parcel has left, held up for a reason."""

    def bring(reason: str) -> Order:
        order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
        for step in (outcomes.record_payments, outcomes.record_deductions, outcomes.record_shipments):
            step(order_ids=[order.pk])
        order.refresh_from_db()
        assert order.take(partial(history.held_up, reason=reason))
        order.save()
        return order

    return bring


@pytest.fixture
def undelivered(held_up) -> Order:
    return held_up("delivery_failed")
