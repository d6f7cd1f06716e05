"""Notes on orders by the REST API: once per key, for staff alone."""

import pytest
from django.contrib.admin.models import LogEntry

from orders.models import Order, OrderNote
from shop.messaging.contracts import ERASED
from tests.support.rights import staff_with
from tests.unit.orders.rest import client_of

pytestmark = pytest.mark.django_db
NOTE = {"text": "Rang: the mug may stay."}


@pytest.fixture
def nora(db):
    """She answers customers."""
    return client_of(staff_with("orders.view_order", "orders.annotate_order"))


def url_of(order):
    return f"/api/v1/orders/{order.pk}/notes"


def post(client, order, body, key="a-key"):
    return client.post(url_of(order), body, format="json", headers={"Idempotency-Key": key})


def test_a_note_is_written_once_per_key_and_listed_oldest_first(order, nora):
    answers = [post(nora, order, NOTE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    post(nora, order, {"text": "It does."}, key="another")
    listed = nora.get(url_of(order)).json()
    assert [note["text"] for note in listed] == [NOTE["text"], "It does."]
    assert listed[0] == answers[0].json()
    assert set(listed[0]) == {"id", "text", "by", "at"}
    assert {note["by"] for note in listed} == {OrderNote.objects.first().by}
    assert (
        LogEntry.objects.order_by("pk")[0].get_change_message().startswith("Wrote a note. (by the REST API")
    )


@pytest.mark.parametrize("body", [{}, {"text": "\u200b"}, {"text": "x" * 2001}, {**NOTE, "by": "ada"}])
def test_a_note_without_a_visible_text_is_refused(order, nora, body):
    assert post(nora, order, body).status_code == 400
    assert not OrderNote.objects.exists()


def test_a_note_on_an_order_of_a_forgotten_customer_is_refused(order, nora):
    Order.objects.filter(pk=order.pk).update(ship_name=ERASED, ship_street=ERASED)
    assert post(nora, order, NOTE).status_code == 409


def test_who_may_only_look_writes_nothing_and_customers_see_nothing(order):
    looker = client_of(staff_with("orders.view_order"))
    assert looker.get(url_of(order)).status_code == 200
    assert post(looker, order, NOTE).status_code == 403
    assert client_of(order.customer).get(url_of(order)).status_code == 403
    assert not OrderNote.objects.exists()
