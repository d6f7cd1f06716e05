"""Orders whose customers pay by other means after a decline, through the chain of all contexts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from rest_framework.test import APIClient

from console.audit import audit
from notifications.models import Notification
from orders.errors import PaymentUnderWay
from orders.payments.services import request_payment
from orders.services import request_cancellation
from payments import repository, services
from payments.gateway import GatewayUnavailable
from payments.models import Attempt, GatewayFault, Payment, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway, confirm
from shop.messaging.models import EventRecord
from tests.support.inprocess import deliver_all, fire_reminders, fire_retries

DECLINED, POOR = "pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"
CONFIRM_FIRST = "pm_card_authenticationRequired"
GOOD, TAKEN_AT_ONCE = "pm_card_mastercard", "pm_card_pendingRefund"


@pytest.fixture
def declined(shop):
    """Order whose first means of payment was declined, and that waits for another."""
    return placed(shop, DECLINED)


def placed(shop, token):
    order = shop.place(pays_with=token, retry_payment=True)
    deliver_all()
    return shop.expect_status(order, "placed")


def client_of(username="alice"):
    client = APIClient()
    client.force_authenticate(User.objects.get(username=username))
    return client


def pay(order, token=GOOD, key="a-key", client=None):
    path = f"/api/v1/orders/{order.pk}/payments"
    body = {"payment_method": token}
    return (client or client_of()).post(path, body, format="json", headers={"Idempotency-Key": key})


def attempts(order):
    listed = client_of().get(f"/api/v1/orders/{order.pk}/payments").json()
    return [(one["attempt"], one["status"], one["code"]) for one in listed]


def payment_of(order):
    return Payment.objects.get(order_id=order.pk)


def said(order):
    records = EventRecord.objects.filter(aggregate_id=order.pk, type__startswith="payments.")
    return [record.type.split(".")[1] for record in records.order_by("position")]


def statuses():
    return sorted(SimulatedCharge.objects.values_list("status", flat=True))


def violations():
    return [str(violation) for violation in audit(idle=True).violations]


# --- Declined, then paid -------------------------------------------------------------------------


def test_a_decline_is_final_without_retry_payment(shop):
    order = shop.place(pays_with=DECLINED)
    shop.run_to_end()
    shop.expect_status(order, "cancelled")
    assert said(order) == ["PaymentFailed"]
    assert attempts(order) == [(1, "requires_payment_method", "")]
    refused = pay(order)
    assert refused.status_code == 409
    assert violations() == []


def test_a_declined_order_waits_says_why_and_keeps_its_goods(declined):
    due = client_of().get(f"/api/v1/orders/{declined.pk}").json()["payment"]
    assert (due["status"], due["attempt"], due["code"], due["message"]) == (
        "requires_payment_method",
        1,
        "generic_decline",
        "Your card was declined.",
    )
    assert said(declined) == ["PaymentDeclined"]
    assert Notification.objects.get(kind="payment_declined").context == {"message": "Your card was declined."}
    assert not EventRecord.objects.filter(type="inventory.InventoryReleased.v1").exists()
    assert violations() == []


def test_a_declined_order_is_paid_by_other_means_and_delivered(shop, declined):
    accepted = pay(declined)
    assert accepted.status_code == 202
    assert (accepted.json()["attempt"], accepted.json()["status"]) == (2, "processing")
    shop.run_to_end()

    shop.expect_status(declined, "delivered")
    assert said(declined) == ["PaymentDeclined", "PaymentProcessed", "PaymentCaptured"]
    assert attempts(declined) == [(1, "requires_payment_method", "generic_decline"), (2, "succeeded", "")]
    assert [(one.number, one.method, one.state) for one in Attempt.objects.all()] == [
        (1, DECLINED, "requires_payment_method")
    ]
    assert statuses() == ["requires_payment_method", "succeeded"]
    assert violations() == []


def test_a_second_decline_and_a_confirmation_are_attempts_like_others(shop, declined):
    assert pay(declined, POOR, "second").status_code == 202
    deliver_all()
    assert pay(declined, CONFIRM_FIRST, "third").status_code == 202
    deliver_all()
    confirm(payment_of(declined).reference, confirmed=True)
    shop.run_to_end()

    shop.expect_status(declined, "delivered")
    assert [status for _, status, _ in attempts(declined)] == [*["requires_payment_method"] * 2, "succeeded"]
    assert Notification.objects.filter(kind="payment_declined").count() == 2
    assert violations() == []


def test_nobody_pays_in_time_and_everything_is_undone(shop, declined, settings):
    settings.SHOP_PAYMENT_DEADLINE = timedelta(0)
    refused = pay(declined)
    assert refused.status_code == 409
    assert "place another order" in refused.json()["detail"]
    shop.run_to_end()

    assert shop.expect_status(declined, "cancelled").cancel_reason == "payment_overdue"
    assert said(declined) == ["PaymentDeclined", "PaymentVoided"]
    assert payment_of(declined).state == "canceled"
    assert EventRecord.objects.filter(type="inventory.InventoryReleased.v1").count() == 1
    assert violations() == []


# --- The API ---------------------------------------------------------------------------------------


def test_the_same_key_gets_the_same_answer_and_makes_one_attempt(declined):
    first, second = pay(declined), pay(declined)
    assert first.json() == second.json()
    deliver_all()
    assert [number for number, *_ in attempts(declined)] == [1, 2]


def test_a_payment_under_way_is_not_paid_twice(declined):
    assert pay(declined, key="first").status_code == 202
    refused = pay(declined, key="second")
    assert refused.status_code == 409
    assert "in a moment" in refused.json()["detail"]


def test_attempts_are_limited(declined, settings):
    settings.SHOP_PAYMENT_ATTEMPTS = 1
    assert "tried 1 times" in pay(declined).json()["detail"]


def test_others_see_nothing_and_staff_needs_the_permission(declined):
    assert pay(declined, client=client_of("bob")).status_code == 404
    clerk = User.objects.create(username="clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    assert pay(declined, client=client_of("clerk")).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="pay_order"))
    assert pay(declined, client=client_of("clerk")).status_code == 202


@pytest.mark.parametrize("token", ["", "4242 4242 4242 4242"])
def test_a_token_that_is_none_is_refused(declined, token):
    assert pay(declined, token).status_code == 400


# --- One payment that counts -------------------------------------------------------------------------


def test_two_requests_at_once_make_one_attempt(declined):
    def ask(_):
        try:
            return request_payment(order_id=declined.pk, payment_method=GOOD).number
        except PaymentUnderWay:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as customers:
        made = list(customers.map(ask, range(2)))
    assert sorted(made, key=str) == [2, None]
    deliver_all()
    assert statuses().count("requires_capture") + statuses().count("succeeded") == 1


def test_other_means_instead_of_a_confirmation_end_the_former_attempt(shop):
    order = placed(shop, CONFIRM_FIRST)
    former = payment_of(order).reference
    assert pay(order).status_code == 202
    deliver_all()
    confirm(former, confirmed=True)  # too late
    shop.run_to_end()

    shop.expect_status(order, "delivered")
    assert statuses() == ["canceled", "succeeded"]
    assert [status for _, status, _ in attempts(order)] == ["canceled", "succeeded"]
    assert violations() == []


def test_a_former_attempt_that_was_confirmed_meanwhile_is_released_before_another_is_held(shop):
    order = placed(shop, CONFIRM_FIRST)
    confirm(payment_of(order).reference, confirmed=True)  # the notice is lost
    pay(order)
    shop.run_to_end()
    shop.expect_status(order, "delivered")
    assert statuses() == ["canceled", "succeeded"]
    assert violations() == []


def test_a_former_attempt_that_took_the_money_counts_and_no_other_is_made(shop):
    order = placed(shop, CONFIRM_FIRST)
    SimulatedCharge.objects.update(token=TAKEN_AT_ONCE)  # nothing can be held, as with bank debits
    confirm(payment_of(order).reference, confirmed=True)  # the notice is lost
    pay(order)
    shop.run_to_end()
    shop.expect_status(order, "delivered")
    assert statuses() == ["succeeded"]
    assert violations() == []


@pytest.mark.parametrize("operation", ["cancel", "authorise"])
def test_no_other_attempt_is_made_while_the_former_one_cannot_be_ended(shop, operation):
    order = placed(shop, CONFIRM_FIRST)
    outage = GatewayFault.objects.create(kind="outage", operation=operation)
    pay(order)
    deliver_all()
    assert "requires_capture" not in statuses()
    outage.delete()
    fire_retries()
    shop.run_to_end()
    shop.expect_status(order, "delivered")
    assert statuses() == ["canceled", "succeeded"]
    assert violations() == []


class DiesAfterHolding(SimulatedGateway):
    def authorise(self, **call):
        super().authorise(**call)
        raise RuntimeError("killed")


class DiesAfterCancelling(SimulatedGateway):
    def cancel(self, **call):
        super().cancel(**call)
        raise RuntimeError("killed")


@pytest.mark.parametrize("dies", [DiesAfterHolding, DiesAfterCancelling])
def test_a_crash_in_another_attempt_leaves_one_hold(shop, settings, dies):
    order = placed(shop, CONFIRM_FIRST)
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.{dies.__name__}"
    pay(order)
    deliver_all()
    settings.SHOP_PAYMENT_GATEWAY = "payments.simulator.gateway.SimulatedGateway"
    fire_retries()
    shop.run_to_end()
    shop.expect_status(order, "delivered")
    assert statuses() == ["canceled", "succeeded"]
    assert violations() == []


def test_the_outcome_of_a_former_attempt_is_no_outcome_of_the_present_one(declined):
    former = payment_of(declined)
    former.state = "processing"  # as a slow worker still knows it
    pay(declined)
    GatewayFault.objects.create(kind="outage", operation="authorise")
    deliver_all()
    assert payment_of(declined).state == "processing"
    former.fail(reference="pi_late", code="late", message="")
    assert repository.store_outcomes([former]) == []
    assert payment_of(declined).state == "processing"


@pytest.mark.parametrize("token", [DECLINED, CONFIRM_FIRST])
def test_a_stop_during_another_attempt_takes_nothing(shop, token):
    order = placed(shop, token)
    outage = GatewayFault.objects.create(kind="outage", operation="authorise")
    pay(order)
    deliver_all()
    request_cancellation(order_id=order.pk, reason="customer")
    deliver_all()
    outage.delete()
    fire_retries()
    shop.run_to_end()

    assert shop.expect_status(order, "cancelled").cancel_reason == "customer"
    assert {*statuses()} <= {"canceled", "requires_payment_method"}
    assert violations() == []


def test_a_notice_about_a_former_attempt_that_cannot_be_ended_yet_leaves_no_hold(shop, client):
    order = placed(shop, CONFIRM_FIRST)
    page = payment_of(order).confirm_url.removeprefix("http://localhost:8000")
    outage = GatewayFault.objects.create(kind="outage", operation="cancel")
    pay(order)
    deliver_all()
    request_cancellation(order_id=order.pk, reason="customer")
    deliver_all()
    outage.delete()
    client.post(page, {"answer": "confirm"})
    deliver_all()  # the notice is worked before what was tried in vain
    fire_retries()
    shop.run_to_end()
    shop.expect_status(order, "cancelled")
    assert {*statuses()} == {"canceled"}
    assert violations() == []


def test_a_stop_that_comes_before_the_attempt_prevents_it(shop, declined):
    services.stop_payment(order_id=declined.pk, reason="customer")
    services.attempt_payment(order_id=declined.pk, attempt=2, payment_method=GOOD)
    assert statuses() == ["requires_payment_method"]
    assert said(declined) == ["PaymentDeclined", "PaymentVoided"]


def test_a_check_does_not_end_another_attempt(shop):
    order = placed(shop, CONFIRM_FIRST)
    GatewayFault.objects.create(kind="outage", operation="authorise")
    pay(order)
    deliver_all()
    fire_reminders()
    assert payment_of(order).state == "processing"
    with pytest.raises(GatewayUnavailable):
        services.attempt_payment(order_id=order.pk, attempt=2, payment_method=GOOD)
