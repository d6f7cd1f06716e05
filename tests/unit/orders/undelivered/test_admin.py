"""Undelivered orders in the admin: the effect is said first, and a double click acts once."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from orders.models import Order, RefundRequest
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db
GIVEN = {"goods": "returned", "reason": "moved away"}


def page(order, name="refund_and_settle"):
    return reverse(f"admin:orders_order_{name}", args=[order.pk])


def test_the_admin_says_the_effect_before_anything_happens(admin_client, undelivered):
    assert page(undelivered) in admin_client.get(page(undelivered, "change")).content.decode()
    assert "did not arrive" in admin_client.get(page(undelivered)).content.decode()
    shown = admin_client.post(page(undelivered), GIVEN).content.decode()
    assert "Refund 138.90 EUR to the customer and put 1 x KETTLE, 2 x TEAPOT back" in shown
    assert "Yes, refund and settle" in shown
    shown = admin_client.post(page(undelivered), {**GIVEN, "goods": "lost"}).content.decode()
    assert "write 1 x KETTLE, 2 x TEAPOT off" in shown
    assert not RefundRequest.objects.exists()
    assert Order.objects.get().status == "needs_attention"


def test_a_double_click_acts_once(admin_client, undelivered):
    key = admin_client.get(page(undelivered)).context["form"]["attempt"].value()
    for _ in range(2):
        answer = admin_client.post(page(undelivered), {**GIVEN, "attempt": str(key), "confirmed": "on"})
        assert answer.url == page(undelivered, "change")
    assert Order.objects.get().status == "settled"
    assert RefundRequest.objects.get().restock
    assert LogEntry.objects.get().change_message == (
        "Refunded 138.90 EUR, put 1 x KETTLE, 2 x TEAPOT back into the stock, and settled the order: "
        "moved away"
    )
    said = [str(message) for message in admin_client.get("/admin/").context["messages"]]
    assert "has taken effect" in said[-1]


@pytest.mark.parametrize(
    "given", [{"goods": "returned"}, {"reason": "moved away"}, {**GIVEN, "reason": "\u200b"}]
)
def test_the_goods_and_a_reason_have_to_be_said(admin_client, undelivered, given):
    admin_client.post(page(undelivered), {**given, "confirmed": "on"})
    assert not RefundRequest.objects.exists()


def test_an_order_that_goes_on_is_not_offered_it(admin_client, held_up):
    order = held_up("books_differ")
    assert page(order) not in admin_client.get(page(order, "change")).content.decode()
    answer = admin_client.post(page(order), {**GIVEN, "confirmed": "on"}, follow=True)
    assert "does not need attention for its parcel" in str(next(iter(answer.context["messages"])))
    assert not RefundRequest.objects.exists()


def test_it_takes_the_permission_to_refund(undelivered):
    client = Client()
    client.force_login(staff_with("orders.view_order", "orders.settle_order"))
    assert page(undelivered) not in client.get(page(undelivered, "change")).content.decode()
    assert client.post(page(undelivered), {**GIVEN, "confirmed": "on"}).status_code == 403
