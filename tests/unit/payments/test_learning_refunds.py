"""Refunds that were made without the shop: at the provider by a person, or otherwise."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from rest_framework.test import APIClient

from payments import services
from payments.errors import GatewayUnavailable, NotGivenBack
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge, SimulatedRefund
from payments.queries import balances
from shop.messaging.models import EventRecord
from tests.support.rights import staff_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captures_at_once")]

REASON = "by a bank transfer"


def in_the_providers_books(amount, status="succeeded", key="by hand"):
    """Refund as a person does, on a page of the provider."""
    charge = SimulatedCharge.objects.get()
    return SimulatedRefund.objects.create(key=key, charge=charge, amount=Decimal(amount), status=status)


def refunds():
    rows = Refund.objects.order_by("id")
    return [(refund.channel, refund.state, str(refund.amount)) for refund in rows]


def refunded_events():
    records = EventRecord.objects.filter(type="payments.PaymentRefunded.v1").order_by("position")
    return [(r.data["amount"]["amount"], r.data["left"]["amount"]) for r in records]


@pytest.fixture
def failed(order, happened, rejected) -> Refund:
    """A refund that the provider refused."""
    created = happened(order("pm_card_refundFail"))
    happened(rejected(created.order_id))
    return Refund.objects.get()


@pytest.fixture
def charged(order, happened) -> Payment:
    happened(order())
    return Payment.objects.get()


def learn(payment):
    return services.learn_refunds(order_id=payment.order_id)


def books_agree():
    [balance] = balances()
    return balance.agrees


# --- A refund that failed, and that a person made at the provider ---


def test_a_retry_takes_over_what_a_person_gave_back_at_the_provider(failed, remind, said):
    made = in_the_providers_books("49.90")
    services.retry_refund(refund_id=failed.pk)
    remind()
    assert refunds() == [("shop", "succeeded", "49.90")]
    assert Refund.objects.get().reference == made.reference
    assert said(failed.payment.order_id)[-1] == "PaymentRefunded"
    assert refunded_events() == [("49.90", "0.00")]
    assert books_agree()


def test_a_refund_that_a_person_made_before_the_shop_asked_is_taken_over_at_once(
    order, happened, rejected, said
):
    created = happened(order())
    in_the_providers_books("49.90")
    happened(rejected(created.order_id))
    assert refunds() == [("shop", "succeeded", "49.90")]
    assert said(created.order_id) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]


def test_after_a_part_was_given_back_at_the_provider_a_retry_gives_back_the_rest(failed, remind):
    in_the_providers_books("20.00")
    services.retry_refund(refund_id=failed.pk)
    remind()
    remind()
    assert sorted(refunds()) == [("provider", "succeeded", "20.00"), ("shop", "succeeded", "29.90")]
    assert refunded_events() == [("20.00", "29.90"), ("29.90", "0.00")]
    assert books_agree()


def test_two_parts_given_back_at_the_provider_end_a_failed_refund(failed):
    in_the_providers_books("20.00", key="first")
    in_the_providers_books("29.90", key="second")
    learn(failed.payment)
    assert sorted(refunds()) == [("provider", "succeeded", "20.00"), ("shop", "succeeded", "29.90")]
    assert refunded_events()[-1] == ("29.90", "0.00")


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_what_the_provider_has_not_given_back_yet_is_not_taken_over(failed, remind, said, status):
    in_the_providers_books("49.90", status)
    assert learn(failed.payment) == []
    if status == "pending":
        services.retry_refund(refund_id=failed.pk)
        remind()
        assert said(failed.payment.order_id)[-1] == "RefundFailed"


def test_a_provider_that_does_not_say_is_asked_again_later(failed, remind, said):
    in_the_providers_books("49.90")
    fault = GatewayFault.objects.create(kind="outage", operation="find_refunds")
    with pytest.raises(GatewayUnavailable):
        learn(failed.payment)
    services.retry_refund(refund_id=failed.pk)
    remind()
    assert Refund.objects.get().state == "requested"
    fault.delete()
    remind()
    assert Refund.objects.get().state == "succeeded"


# --- Goodwill ---


@pytest.mark.parametrize("amount", ["5.00", "49.90"])
def test_goodwill_at_the_provider_is_taken_over_once_as_a_refund(charged, amount):
    in_the_providers_books(amount)
    assert [str(refund.amount) for refund in learn(charged)] == [amount]
    assert learn(charged) == []
    assert refunds() == [("provider", "succeeded", amount)]
    left = Decimal("49.90") - Decimal(amount)
    assert refunded_events() == [(amount, f"{left:.2f}")]
    assert books_agree()


def test_after_goodwill_a_cancellation_gives_back_the_rest(charged, happened, stopped):
    in_the_providers_books("5.00")
    learn(charged)
    happened(stopped(charged.order_id))
    assert sorted(refunds()) == [("provider", "succeeded", "5.00"), ("shop", "succeeded", "44.90")]
    assert refunded_events()[-1] == ("44.90", "0.00")


def test_after_all_was_given_back_as_goodwill_a_cancellation_gives_nothing_more(charged, happened, stopped):
    in_the_providers_books("49.90")
    learn(charged)
    happened(stopped(charged.order_id))
    assert refunds() == [("provider", "succeeded", "49.90")]


def test_an_own_refund_is_not_taken_over_again(order, happened, rejected):
    created = happened(order())
    happened(rejected(created.order_id))
    assert services.learn_refunds(order_id=created.order_id) == []
    assert len(refunds()) == 1


# --- Given back otherwise ---


def test_a_failed_refund_is_given_back_otherwise_with_a_reason(failed, said):
    services.give_back_otherwise(refund_id=failed.pk, reason=REASON)
    assert refunds() == [("otherwise", "succeeded", "49.90")]
    assert Refund.objects.get().note == REASON
    assert said(failed.payment.order_id)[-1] == "PaymentRefunded"
    assert EventRecord.objects.get(type="payments.PaymentRefunded.v1").data["otherwise"] == REASON
    assert books_agree()


def test_what_is_given_back_otherwise_is_not_given_back_by_the_provider_as_well(failed):
    services.give_back_otherwise(refund_id=failed.pk, reason=REASON)
    in_the_providers_books("49.90")
    assert learn(failed.payment) == [], "more than was charged: a person has to see to it"
    assert not books_agree()


def test_only_a_failed_refund_is_given_back_otherwise_and_once(failed):
    services.give_back_otherwise(refund_id=failed.pk, reason=REASON)
    with pytest.raises(NotGivenBack, match="only a failed one"):
        services.give_back_otherwise(refund_id=failed.pk, reason=REASON)
    assert len(refunded_events()) == 1


def test_giving_back_otherwise_needs_a_reason(failed):
    with pytest.raises(NotGivenBack, match="say how"):
        services.give_back_otherwise(refund_id=failed.pk, reason=" ")


@pytest.fixture
def clerk():
    client = APIClient()
    client.force_authenticate(staff_with("payments.view_refund", "payments.give_back_otherwise"))
    return client


def given_back(client, refund, body, key="k-1"):
    url = f"/api/v1/payments/{refund.payment_id}/refunds/{refund.pk}/given-back"
    return client.post(url, body, format="json", headers={"Idempotency-Key": key})


def test_staff_gives_back_otherwise_by_rest_and_the_journal_tells_so(failed, clerk):
    answers = [given_back(clerk, failed, {"reason": REASON}) for _ in range(2)]
    assert [(answer.status_code, answer.json()["channel"]) for answer in answers] == [(200, "otherwise")] * 2
    assert given_back(clerk, failed, {"reason": REASON}, key="k-2").status_code == 409
    assert LogEntry.objects.get().change_message.startswith(f"Given back otherwise: {REASON}")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 201}, {"why": "x"}])
def test_rest_wants_a_reason(failed, clerk, body):
    assert given_back(clerk, failed, body).status_code == 400
    assert refunds() == [("shop", "failed", "49.90")]


def test_who_may_retry_may_not_give_back_otherwise(failed):
    client = APIClient()
    client.force_authenticate(staff_with("payments.view_refund", "payments.retry_refund"))
    assert given_back(client, failed, {"reason": REASON}).status_code == 403


def test_the_admin_gives_back_otherwise_with_a_reason(failed, admin_client):
    page = reverse("admin:payments_refund_give_back", args=[failed.pk])
    assert (
        page in admin_client.get(reverse("admin:payments_refund_change", args=[failed.pk])).content.decode()
    )
    assert "without the provider" in admin_client.get(page).content.decode()
    assert "This field is required" in admin_client.post(page, {}).content.decode()
    admin_client.post(page, {"reason": REASON})
    assert refunds() == [("otherwise", "succeeded", "49.90")]
    assert LogEntry.objects.get().change_message == f"Given back otherwise: {REASON}"
