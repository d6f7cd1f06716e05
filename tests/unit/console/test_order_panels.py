"""The operators' order page shows the facts of all contexts about an order."""

import re

import pytest
from django.db import transaction
from django.test import RequestFactory
from django.urls import reverse

from console.order_page.timeline import timeline_of
from console.templatetags.console import Panels
from notifications.models import Notification, Resend
from orders.models import Order
from orders.notes.services import add_note
from shop import journal


@pytest.fixture
def page_of(client, operator):
    client.force_login(operator)

    def page(order: Order) -> str:
        return client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()

    return page


def test_a_delivered_order_shows_payment_parcel_messages_and_timeline(shop, page_of):
    order = shop.delivered()
    page = page_of(order)

    assert "23.90 EUR" in page
    assert "Succeeded" in page
    for step in ("Pre transit", "In transit", "Out for delivery", "Delivered"):
        assert step in page
    for message in Notification.objects.filter(order_id=order.pk):
        assert message.subject in page
    for event in ("OrderCreated", "PaymentProcessed", "InventoryUpdated", "OrderShipped", "OrderDelivered"):
        assert f"<strong>{event}</strong>" in page
    assert "Follows from" in page
    assert "0.000 s" in page


def test_acts_notes_and_messages_stand_in_the_timeline_in_their_order(shop, operator):
    order = shop.delivered()
    add_note(order_id=order.pk, text="Rang to thank.", by="operator")
    request = RequestFactory().get("/")
    request.user = operator
    with transaction.atomic():
        journal.record(request, order, "Rang back.")
    panels = Panels(order.pk)
    rows = timeline_of(order.pk, panels.entries, panels.notifications)
    assert [row.time for row in rows] == sorted(row.time for row in rows)
    assert {(row.kind, row.by, row.title, row.detail) for row in rows if row.kind in {"act", "note"}} == {
        ("note", "operator", "Note", "Rang to thank."),
        ("act", "operator", "Rang back.", ""),
    }
    sent = Notification.objects.filter(order_id=order.pk, sent_at__isnull=False)
    assert {row.title for row in rows if row.kind == "message"} == {one.subject for one in sent}
    assert [row.kind for row in rows].count("event") == len(panels.entries)


def test_a_refunded_order_shows_its_refund(shop, page_of):
    page = page_of(shop.refused_by_carrier())
    assert "Refund" in page
    assert "<strong>PaymentRefunded</strong>" in page
    assert "<strong>ShipmentFailed</strong>" in page


def test_a_failed_refund_shows_where_to_retry_it(shop, page_of):
    assert "Retry it in the list" in page_of(shop.stuck_refund())


def test_a_new_order_says_that_there_is_nothing_yet(shop, page_of):
    page = page_of(shop.place())
    for nothing in ("No payment yet.", "No shipment yet.", "No message yet."):
        assert nothing in page
    assert "<strong>OrderCreated</strong>" in page


def test_what_customers_write_is_escaped(shop, page_of):
    page = page_of(shop.place(street="<script>alert(1)</script>"))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_operator_sends_a_message_again_from_the_order_page(shop, page_of, client):
    order = shop.delivered()
    message = Notification.objects.filter(order_id=order.pk).first()
    assert reverse("admin:notifications_notification_resend", args=[message.pk]) in page_of(order)

    here = reverse("admin:orders_order_change", args=[order.pk])
    url = reverse("admin:notifications_notification_resend", args=[message.pk])
    assert client.get(url).status_code == 405
    response = client.post(url, {"next": f"{here}#notifications"})
    assert response.url == f"{here}#notifications"
    assert Resend.objects.get().by == "operator"
    away = client.post(url, {"next": "https://evil.example.com/"})
    assert away.url == reverse("admin:notifications_notification_change", args=[message.pk])


def test_a_double_clicked_message_is_sent_again_once(shop, page_of, client):
    order = shop.delivered()
    message = Notification.objects.filter(order_id=order.pk).first()
    url = reverse("admin:notifications_notification_resend", args=[message.pk])
    (key,) = re.findall(f'action="{url}".*?name="attempt" value="([^"]+)"', page_of(order))
    answers = [client.post(url, {"attempt": key}, follow=True) for _ in range(2)]
    assert Resend.objects.count() == 1
    assert "has taken effect" in answers[1].content.decode()
    assert key not in page_of(order)


def test_the_page_takes_few_queries_however_long_the_story(
    shop, client, operator, django_assert_max_num_queries
):
    client.force_login(operator)
    order = shop.delivered()
    with django_assert_max_num_queries(25):
        client.get(reverse("admin:orders_order_change", args=[order.pk]))
