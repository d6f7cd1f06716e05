"""Undelivered orders by the REST API: refunded and settled by one request, once per key."""

import pytest
from django.contrib.admin.models import LogEntry

from orders.models import Order, RefundRequest
from tests.support.rights import staff_with
from tests.unit.orders.rest import client_of

pytestmark = pytest.mark.django_db
BODY = {"goods": "returned", "reason": "The customer has moved away"}


@pytest.fixture
def fiona(db):
    """She keeps the money."""
    return client_of(staff_with("orders.view_order", "orders.refund_order"))


def post(client, order, body=BODY, key="a-key"):
    headers = {"Idempotency-Key": key} if key else {}
    url = f"/api/v1/orders/{order.pk}/refund-and-settle"
    return client.post(url, body, format="json", headers=headers)


def test_the_order_is_refunded_and_settled_once_under_its_key(undelivered, fiona):
    answers = [post(fiona, undelivered) for _ in range(3)]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "settled")] * 3
    refund = RefundRequest.objects.get()
    assert (str(refund.money), refund.restock) == ("138.90 EUR", True)
    assert LogEntry.objects.get().change_message.startswith(
        "Refunded 138.90 EUR, put 1 x KETTLE, 2 x TEAPOT back into the stock, and settled the order: "
        "The customer has moved away"
    )


def test_another_key_is_refused_because_it_has_ended(undelivered, fiona):
    post(fiona, undelivered)
    answer = post(fiona, undelivered, key="another")
    assert answer.status_code == 409
    assert "does not need attention for its parcel" in answer.json()["detail"]
    assert RefundRequest.objects.count() == 1


def test_goods_that_are_lost_are_written_off(undelivered, fiona):
    post(fiona, undelivered, {**BODY, "goods": "lost"})
    assert not RefundRequest.objects.get().restock
    assert "wrote 1 x KETTLE, 2 x TEAPOT off" in LogEntry.objects.get().change_message


@pytest.mark.parametrize(
    "body", [{}, {"goods": "returned"}, {"reason": "x"}, {**BODY, "goods": "new"}, {**BODY, "reason": " "}]
)
def test_a_wrong_body_changes_nothing(undelivered, fiona, body):
    assert post(fiona, undelivered, body).status_code == 400
    assert Order.objects.get().status == "needs_attention"
    assert not RefundRequest.objects.exists()


def test_the_key_is_required(undelivered, fiona):
    assert post(fiona, undelivered, key="").status_code == 400
    assert not RefundRequest.objects.exists()


def test_it_takes_the_permission_to_refund(undelivered, as_ada):
    assert post(as_ada, undelivered).status_code == 403
    settler = client_of(staff_with("orders.view_order", "orders.settle_order"))
    assert post(settler, undelivered).status_code == 403
    assert Order.objects.get().status == "needs_attention"
