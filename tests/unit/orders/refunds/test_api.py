"""Refunds by the REST API: once per key."""

import pytest
from django.contrib.admin.models import LogEntry

from orders.models import RefundRequest
from tests.support.rights import staff_with
from tests.unit.orders.refunds.support import BY_AMOUNT, ask
from tests.unit.orders.rest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def fiona(db):
    """She keeps the money."""
    return client_of(staff_with("orders.view_order", "orders.refund_order"))


def url_of(order):
    return f"/api/v1/orders/{order.pk}/refunds"


def post(client, order, body, key="a-key"):
    return client.post(url_of(order), body, format="json", headers={"Idempotency-Key": key})


def test_the_same_key_gets_the_same_refund(delivered, fiona):
    answers = [post(fiona, delivered, BY_AMOUNT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert RefundRequest.objects.count() == 1
    assert post(fiona, delivered, BY_AMOUNT, key="another").json()["id"] != answers[0].json()["id"]


def test_the_same_key_with_another_body_is_refused(delivered, fiona):
    post(fiona, delivered, BY_AMOUNT)
    other = {**BY_AMOUNT, "amount": {"amount": "6.00", "currency": "EUR"}}
    assert post(fiona, delivered, other).status_code == 422
    assert RefundRequest.objects.count() == 1


def test_the_url_of_a_refund_tells_how_far_it_is(delivered, fiona, given_back):
    body = {"lines": [{"sku": "TEAPOT", "quantity": 2}], "restock": True, "reason": "they came back"}
    answer = post(fiona, delivered, body)
    made = answer.json()
    assert made["amount"] == {"amount": "49.90", "currency": "EUR"}
    assert (made["state"], made["lines"], made["restock"]) == ("requested", body["lines"], True)
    given_back(delivered, "49.90", "89.00", made["id"])
    assert fiona.get(answer["Location"]).json()["state"] == "succeeded"
    assert [refund["id"] for refund in fiona.get(url_of(delivered)).json()] == [made["id"]]


def test_the_journal_tells_who_gave_money_back_but_not_why(delivered, fiona):
    post(fiona, delivered, BY_AMOUNT)
    assert LogEntry.objects.get().change_message.startswith("Requested a refund of 5.00 EUR.")
    assert "scratch" not in LogEntry.objects.get().change_message


WRONG = [
    {"reason": "nothing"},
    {**BY_AMOUNT, "lines": [{"sku": "TEAPOT", "quantity": 1}]},
    {**BY_AMOUNT, "restock": True},
    {"amount": {"amount": "5.00", "currency": "EUR"}},
    {**BY_AMOUNT, "reason": " "},
    {**BY_AMOUNT, "reason": "\u200b"},
    {**BY_AMOUNT, "reason": "x" * 301},
    {**BY_AMOUNT, "amount": {"amount": "0.00", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "-1.00", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "1.001", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "5.00", "currency": "GBP"}},
    {**BY_AMOUNT, "amount": {"amount": 5, "currency": "EUR"}},
    {**BY_AMOUNT, "amount": {"amount": "NaN", "currency": "EUR"}},
    {**BY_AMOUNT, "amount": "5.00"},
    {**BY_AMOUNT, "whim": True},
    {"lines": [], "reason": "nothing"},
    {"lines": [{"sku": "SPOON", "quantity": 1}], "reason": "none of the order"},
    {"lines": [{"sku": "TEAPOT", "quantity": 0}], "reason": "none"},
]


@pytest.mark.parametrize("body", WRONG)
def test_a_request_that_is_wrong_is_refused_by_its_field(delivered, fiona, body):
    answer = post(fiona, delivered, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not RefundRequest.objects.exists()


def test_what_the_order_does_not_allow_is_a_conflict(delivered, place, fiona):
    too_much = {**BY_AMOUNT, "amount": {"amount": "138.91", "currency": "EUR"}}
    assert "Only 138.90 EUR" in post(fiona, delivered, too_much).json()["detail"]
    assert post(fiona, place(), BY_AMOUNT, key="b").status_code == 409


def test_a_key_is_needed(delivered, fiona):
    assert fiona.post(url_of(delivered), BY_AMOUNT, format="json").status_code == 400


def test_a_customer_reads_own_refunds_without_reasons_and_gives_nothing_back(delivered, as_ada, as_bob):
    ask(delivered, "5.00")
    assert post(as_ada, delivered, BY_AMOUNT).status_code == 403
    [mine] = as_ada.get(url_of(delivered)).json()
    assert mine["amount"] == {"amount": "5.00", "currency": "EUR"}
    assert "reason" not in mine
    assert as_bob.get(url_of(delivered)).status_code == 404
