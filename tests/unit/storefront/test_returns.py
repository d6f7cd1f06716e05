"""Sending goods back in the storefront: without JavaScript, for own delivered orders, and once."""

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import Order, Return
from orders.returns.plan import Received
from orders.returns.receiving import receive_return
from orders.returns.services import approve_return, reject_return
from tests.support import outcomes

pytestmark = pytest.mark.django_db

REASON = {"reason": "It has a crack"}


@pytest.fixture
def delivered(buy):
    order = Order.objects.get(pk=buy("MUG", 2).summary.id)
    outcomes.delivered(order)
    return order


def order_page(client, order):
    return client.get(reverse("storefront:order", args=[order.number])).content.decode()


def form_of(order):
    return reverse("storefront:send-back", args=[order.number])


def test_a_customer_asks_to_send_something_back(customer, delivered):
    assert form_of(delivered) in order_page(customer, delivered)
    form = customer.get(form_of(delivered))
    assert "Blue mug" in form.content.decode()
    key = str(form.context["form"]["attempt"].value())
    for _ in range(2):  # a double click
        answer = customer.post(form_of(delivered), {"quantity_0": "1", "attempt": key, **REASON})
        assert answer.status_code == 302
    made = Return.objects.get()
    assert (made.taken, made.by_customer, made.reason) == ({"MUG": 1}, True, "It has a crack")
    shown = order_page(customer, delivered)
    assert "We have your request" in shown
    assert "1 × Blue mug" in shown


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (REASON, "Choose how many"),
        ({"quantity_0": "3", **REASON}, "at most 2"),
        ({"quantity_0": "1"}, "Say why"),
        ({"quantity_0": "1", "reason": "\u200b"}, "Say why"),
    ],
)
def test_the_form_says_what_is_wrong(customer, delivered, data, message):
    assert message in customer.post(form_of(delivered), data).content.decode()
    assert not Return.objects.exists()


def test_the_page_tells_what_became_of_a_return(customer, delivered):
    for quantity in ("1", "1"):
        customer.post(form_of(delivered), {"quantity_0": quantity, **REASON})
    refused, wanted = Return.objects.order_by("pk")
    reject_return(order_id=delivered.pk, return_id=refused.pk, reason="It was used.")
    approve_return(order_id=delivered.pk, return_id=wanted.pk)
    shown = order_page(customer, delivered)
    assert "We cannot take it back. It was used." in shown
    arrive_by = timezone.localtime(Return.objects.get(pk=wanted.pk).arrive_by)
    assert f"It has to be here by {arrive_by:%-d %B %Y}" in shown
    receive_return(order_id=delivered.pk, return_id=wanted.pk, received={"MUG": Received(1)})
    assert "Here: 1 × Blue mug. 12.90 EUR goes back to you." in order_page(customer, delivered)


def test_a_customer_keeps_it_after_all(customer, delivered):
    customer.post(form_of(delivered), {"quantity_0": "1", **REASON})
    page = reverse("storefront:keep", args=[delivered.number, Return.objects.get().pk])
    assert page in order_page(customer, delivered)
    assert "1 × Blue mug" in customer.get(page).content.decode()
    customer.post(page)
    assert Return.objects.get().state == "cancelled"
    shown = customer.post(page, follow=True).content.decode()
    assert "cannot be withdrawn" in shown
    assert page not in shown


def test_nothing_is_offered_that_cannot_be_sent_back(customer, buy, settings):
    order = Order.objects.get(pk=buy("MUG", 1).summary.id)
    assert form_of(order) not in order_page(customer, order)
    outcomes.delivered(order)
    settings.SHOP_RETURN_PERIOD *= 0
    assert form_of(order) not in order_page(customer, order)
    shown = customer.get(form_of(order), follow=True).content.decode()
    assert "Nothing of" in shown
    customer.post(form_of(order), {"quantity_0": "1", **REASON})
    assert not Return.objects.exists()


def test_who_is_too_late_to_cancel_is_told_of_the_way_back_while_there_is_one(customer, delivered, settings):
    cancel = reverse("storefront:cancel", args=[delivered.number])
    assert "You can send it back" in customer.get(cancel, follow=True).content.decode()
    settings.SHOP_RETURN_PERIOD *= 0
    assert "You can send it back" not in customer.get(cancel, follow=True).content.decode()
