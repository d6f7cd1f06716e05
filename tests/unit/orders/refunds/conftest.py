"""Orders whose money may be given back, and what payments say about it."""

import pytest

from payments.events import PaymentRefunded, RefundFailed
from shop.ids import uuid7
from shop.messaging.publishing import publish, unit_of_work
from tests.support import outcomes
from tests.support.inprocess import deliver
from tests.unit.orders.refunds.support import TOTAL, euros


@pytest.fixture
def paid(place):
    """Two teapots and a kettle, paid: 138.90 EUR."""
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    assert order.total == TOTAL
    outcomes.record_payments(order_ids=[order.pk])
    return order


@pytest.fixture
def delivered(paid):
    outcomes.record_deductions(order_ids=[paid.pk])
    outcomes.record_deliveries(order_ids=[paid.pk])
    return paid


@pytest.fixture
def given_back():
    """Have payments say that money went back, and orders take note."""

    def say(order, amount, left, refund_id=None):
        with unit_of_work():
            event = publish(
                PaymentRefunded(
                    order_id=order.pk,
                    payment_id=uuid7(),
                    refund_id=refund_id or uuid7(),
                    amount=euros(amount),
                    left=euros(left),
                )
            )
        deliver(event, app="orders")

    return say


@pytest.fixture
def refused():
    def say(order, refund_id):
        with unit_of_work():
            event = publish(
                RefundFailed(
                    order_id=order.pk,
                    payment_id=uuid7(),
                    refund_id=refund_id,
                    amount=euros("5.00"),
                    code="declined",
                )
            )
        deliver(event, app="orders")

    return say
