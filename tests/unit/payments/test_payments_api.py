"""The REST API of payments: reads and retries of failed refunds, for staff alone."""

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from payments.models import Payment, Refund
from shop.ids import uuid7
from tests.support.rights import staff_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captures_at_once")]


@pytest.fixture
def staff() -> APIClient:
    client = APIClient()
    permissions = ("payments.view_payment", "payments.view_refund", "payments.retry_refund")
    client.force_authenticate(staff_with(*permissions))
    return client


@pytest.fixture
def customer() -> APIClient:
    client = APIClient()
    client.force_authenticate(get_user_model().objects.create_user("ada"))
    return client


@pytest.fixture
def failed_refund(order, happened, rejected) -> Refund:
    created = happened(order("pm_card_refundFail"))
    happened(rejected(created.order_id))
    return Refund.objects.get()


def test_staff_lists_payments_newest_first(staff, order, happened):
    first, second = happened(order()), happened(order())
    page = staff.get("/api/v1/payments").json()

    assert [item["order_id"] for item in page["results"]] == [str(second.order_id), str(first.order_id)]
    assert page["results"][0]["amount"] == {"amount": "49.90", "currency": "EUR"}


def test_list_costs_the_same_however_long(staff, order, happened, django_assert_num_queries):
    for _ in range(3):
        happened(order())
    with django_assert_num_queries(4):  # two of them for the permissions, one counts the request
        staff.get("/api/v1/payments")


def test_one_payment_shows_its_refunds(staff, failed_refund):
    payment = staff.get(f"/api/v1/payments/{failed_refund.payment_id}").json()

    assert payment["state"] == "succeeded"
    assert payment["refunded"] == {"amount": "0.00", "currency": "EUR"}
    [refund] = payment["refunds"]
    assert (refund["state"], refund["failure_code"]) == ("failed", "expired_or_canceled_card")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=succeeded", 2),
        ("state=requires_payment_method", 1),
        ("refund_state=succeeded", 1),
        ("order_number=ORD-1042", 3),
        ("order_number=ORD-1", 0),
        ("created_after=2020-01-01T00:00:00Z", 3),
        ("created_before=2020-01-01T00:00:00Z", 0),
    ],
)
def test_filters(staff, order, happened, rejected, query, found):
    happened(order("pm_card_visa_chargeDeclined"))
    happened(order())
    happened(rejected(happened(order()).order_id))

    assert len(staff.get(f"/api/v1/payments?{query}").json()["results"]) == found


def test_filter_by_order(staff, order, happened):
    happened(order())
    wanted = happened(order())
    page = staff.get(f"/api/v1/payments?order_id={wanted.order_id}").json()

    assert [item["order_id"] for item in page["results"]] == [str(wanted.order_id)]


def test_unknown_state_is_a_bad_request(staff):
    assert staff.get("/api/v1/payments?state=lost").status_code == 400


def test_customers_and_strangers_are_kept_out(customer, failed_refund):
    retry = f"/api/v1/payments/{failed_refund.payment_id}/refunds/{failed_refund.id}/retry"
    assert customer.get("/api/v1/payments").status_code == 403
    assert customer.post(retry).status_code == 403
    assert APIClient().get("/api/v1/payments").status_code == 401
    assert Refund.objects.get().state == "failed"


def test_staff_retries_a_failed_refund(staff, failed_refund, remind, said):
    retry = f"/api/v1/payments/{failed_refund.payment_id}/refunds/{failed_refund.id}/retry"
    answer = staff.post(retry, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.json()["state"], answer.json()["attempt"]) == (202, "requested", 2)

    remind()
    assert said(failed_refund.payment.order_id)[-1] == "PaymentRefunded"
    again = staff.post(retry, headers={"Idempotency-Key": "k-2"})
    assert again.status_code == 409
    assert again.json()["detail"] == "this refund is succeeded; only a failed one can be retried"


def test_a_refund_is_retried_once_under_one_key(staff, failed_refund):
    retry = f"/api/v1/payments/{failed_refund.payment_id}/refunds/{failed_refund.id}/retry"
    assert staff.post(retry).status_code == 400
    answers = [staff.post(retry, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert [(answer.status_code, answer.json()["attempt"]) for answer in answers] == [(202, 2), (202, 2)]
    assert Refund.objects.get().attempt == 2


def test_retry_finds_only_refunds_of_the_payment(staff, failed_refund):
    for payment, refund in [(uuid7(), failed_refund.id), (failed_refund.payment_id, uuid7())]:
        url = f"/api/v1/payments/{payment}/refunds/{refund}/retry"
        assert staff.post(url, headers={"Idempotency-Key": "k-1"}).status_code == 404


def test_payments_cannot_be_written(staff, order, happened):
    happened(order())
    url = f"/api/v1/payments/{Payment.objects.get().id}"
    assert [staff.delete(url).status_code, staff.patch(url, {}).status_code] == [405, 405]
    assert staff.post("/api/v1/payments", {}).status_code == 405


@pytest.mark.parametrize("path", ["not-a-uuid", "0197a3f2-0000-7000-8000-000000000000"])
def test_unknown_payment_is_not_found(staff, path):
    assert staff.get(f"/api/v1/payments/{path}").status_code == 404
