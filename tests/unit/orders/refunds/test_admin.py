"""Refunds in the admin: the effect is said before anything happens."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from orders.errors import OrdersError
from orders.models import RefundRequest
from tests.unit.orders.refunds.support import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def form(admin_client, delivered):
    page = reverse("admin:orders_order_refund", args=[delivered.pk])
    teapots = f"quantity_{delivered.lines.get(sku='TEAPOT').pk}"
    return page, {teapots: "2", "restock": "on", "reason": "they came back"}


def test_the_admin_says_the_effect_before_anything_happens(admin_client, delivered, form):
    page, data = form
    assert (
        page in admin_client.get(reverse("admin:orders_order_change", args=[delivered.pk])).content.decode()
    )
    assert "138.90 EUR of 138.90 EUR can still" in admin_client.get(page).content.decode()
    shown = admin_client.post(page, data).content.decode()
    assert "49.90 EUR go back" in shown
    assert "89.00 EUR can still be given back afterwards" in shown
    assert "back into the stock" in shown
    assert not RefundRequest.objects.exists()


def test_the_admin_requests_the_refund_once(admin_client, delivered, form):
    page, data = form
    key = admin_client.get(page).context["form"]["attempt"].value()
    for _ in range(2):
        answer = admin_client.post(page, {**data, "attempt": str(key), "confirmed": "on"})
        assert answer.status_code == 302
    refund = RefundRequest.objects.get()
    assert (refund.amount, refund.restock, refund.quantities) == (Decimal("49.90"), True, {"TEAPOT": 2})
    assert LogEntry.objects.get().change_message == "Requested a refund of 49.90 EUR."


def test_the_admin_says_that_it_would_cancel_the_order(admin_client, paid):
    page = reverse("admin:orders_order_refund", args=[paid.pk])
    shown = admin_client.post(page, {"amount": "138.90", "reason": "a mistake"}).content.decode()
    assert "the order is cancelled" in shown


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"amount": "138.91"}, "Only 138.90 EUR"),
        ({}, "either quantities or an amount"),
        ({"amount": "1.001"}, "fewer decimals"),
        ({"amount": "1.00", "restock": "on"}, "quantities that are back"),
    ],
)
def test_the_admin_says_what_is_wrong(admin_client, delivered, data, message):
    page = reverse("admin:orders_order_refund", args=[delivered.pk])
    answer = admin_client.post(page, {"reason": "a scratch", "confirmed": "on", **data})
    assert message in answer.content.decode()
    assert not RefundRequest.objects.exists()


def test_every_refusal_is_an_error_that_a_person_can_read(delivered):
    with pytest.raises(OrdersError, match="Say why"):
        ask(delivered, "1.00", reason="\u200b")
