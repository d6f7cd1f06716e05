"""Admin pages of large tables: each query is limited to a page of rows."""

import pytest
from django.urls import reverse

from orders.events import OrderCancelled
from shop.adminkit.read_only import ReadOnlyAdmin
from shop.ids import uuid7
from shop.messaging.models import InboxEntry
from shop.messaging.publishing import publish

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", ["eventrecord", "inboxentry"])
def test_a_page_asks_for_limited_rows_only(page, admin_client, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 1)
    for _ in range(2):
        publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))
        InboxEntry.objects.create(event_id=uuid7(), consumer="orders.when_tried")
    with django_assert_max_num_queries(20) as captured:
        admin_client.get(reverse(f"admin:messaging_{page}_changelist"))

    asked = [query["sql"] for query in captured if f"messaging_{page}" in query["sql"]]
    assert asked
    assert [sql for sql in asked if "LIMIT" not in sql] == []


def test_the_log_is_filtered_by_type(admin_client):
    for _ in range(2):
        publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))
    page = reverse("admin:messaging_eventrecord_changelist")
    assert admin_client.get(page, {"type": OrderCancelled.type}).context["cl"].result_count == 2
    assert admin_client.get(page, {"type": "orders.OrderCreated.v1"}).context["cl"].result_count == 0
