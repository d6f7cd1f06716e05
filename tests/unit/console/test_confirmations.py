"""Orders whose customers have to confirm the payment at their bank, through the chain of all contexts."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from console.audit import audit
from notifications.models import Notification
from orders.models import Order, PaymentAttempt
from orders.services import request_cancellation
from payments import services
from payments.gateway import GatewayUnavailable
from payments.models import GatewayFault, Payment, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway, confirm
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support.inprocess import deliver_all, fire_reminders
from tests.unit.console.damage import repair, states

CONFIRM_FIRST = "pm_card_authenticationRequired"
CONFIRM_IN_VAIN = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"


@pytest.fixture
def waiting(shop) -> Order:
    """Order whose customer has to confirm."""
    order = shop.place(pays_with=CONFIRM_FIRST)
    deliver_all()
    return shop.expect_status(order, "placed")


@pytest.fixture
def api(shop):
    """Return a function that reads an order as one of the users."""

    def read(order, username="alice"):
        client = APIClient()
        client.force_authenticate(User.objects.get(username=username))
        return client.get(f"/api/v1/orders/{order.pk}").json()

    return read


def payment_of(order):
    return Payment.objects.get(order_id=order.pk)


def page_of(order):
    """Return the path of the bank's page."""
    return payment_of(order).confirm_url.removeprefix("http://localhost:8000")


def said(order):
    records = EventRecord.objects.filter(aggregate_id=order.pk, type__startswith="payments.")
    return [record.type.split(".")[1] for record in records.order_by("position")]


def violations():
    return [str(violation) for violation in audit(idle=True).violations]


# --- Waiting -------------------------------------------------------------------------------------


def test_the_owner_alone_is_told_where_to_confirm_and_until_when(waiting, api):
    own, others = api(waiting)["payment"], api(waiting, "operator")["payment"]
    assert own == {
        "status": "requires_action",
        "attempt": 1,
        "confirm_url": payment_of(waiting).confirm_url,
        "code": "",
        "message": "",
        "pay_by": (waiting.placed_at + timedelta(minutes=30)).isoformat().replace("+00:00", "Z"),
    }
    assert others == own | {"confirm_url": ""}


def test_the_goods_are_kept_and_the_customer_is_asked_by_mail(waiting):
    (message,) = Notification.objects.filter(kind="payment_action_required")
    assert message.context == {"confirm_url": payment_of(waiting).confirm_url}
    assert said(waiting) == ["PaymentActionRequired"]
    assert EventRecord.objects.filter(type="inventory.InventoryReserved.v1").count() == 1
    assert violations() == []


def test_the_page_is_in_no_event_and_no_log_of_the_admin_in_clear(waiting, client):
    event = EventRecord.objects.get(type="payments.PaymentActionRequired.v1")
    assert "simulator/bank" not in str(event.data)
    client.force_login(User.objects.get(username="operator"))
    page = client.get(f"/admin/payments/payment/{payment_of(waiting).pk}/change/", follow=True)
    assert page.status_code == 200
    assert "simulator/bank" not in page.content.decode()


# --- The bank ------------------------------------------------------------------------------------


def test_a_customer_confirms_on_the_banks_page_and_gets_the_goods(shop, waiting, client, api):
    page = client.get(page_of(waiting))
    assert "Confirm" in page.content.decode()
    assert page.headers["Cache-Control"].startswith("max-age=0")
    answer = client.post(page_of(waiting), {"answer": "confirm"})
    assert answer.headers["Location"] == f"http://localhost:8000/orders/{waiting.pk}/"
    shop.run_to_end()

    shop.expect_status(waiting, "delivered")
    assert said(waiting) == ["PaymentActionRequired", "PaymentProcessed", "PaymentCaptured"]
    assert api(waiting)["payment"] is None
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert payment_of(waiting).confirm_url == PaymentAttempt.objects.get().confirm_url == ""
    assert violations() == []


def test_a_customer_who_refuses_has_the_order_cancelled(shop, waiting, client):
    client.post(page_of(waiting), {"answer": "refuse"})
    client.post(page_of(waiting), {"answer": "confirm"})
    shop.run_to_end()

    assert shop.expect_status(waiting, "cancelled").cancel_reason == "payment_failed"
    assert payment_of(waiting).failure_code == "payment_intent_authentication_failure"
    assert violations() == []


def test_a_confirmed_payment_that_is_declined_fails(shop, client):
    order = shop.place(pays_with=CONFIRM_IN_VAIN)
    deliver_all()
    client.post(page_of(order), {"answer": "confirm"})
    shop.run_to_end()
    shop.expect_status(order, "cancelled")
    assert said(order) == ["PaymentActionRequired", "PaymentFailed"]
    assert violations() == []


def test_the_banks_page_cannot_be_guessed_and_is_gone_with_the_simulator(waiting, client, settings):
    path = page_of(waiting)
    reference = SimulatedCharge.objects.get().reference
    assert client.get(f"/simulator/bank/{reference}/").status_code == 404
    assert client.get(f"/simulator/bank/{reference}:forged/").status_code == 404
    assert (
        client.post("/providers/simulator/webhook", "{}", content_type="application/json").status_code == 400
    )
    settings.SHOP_PAYMENT_GATEWAY = "payments.stripe.gateway.StripeGateway"
    assert client.get(path).status_code == 404


# --- Lost notices, stops and deadlines --------------------------------------------------------------


def test_a_confirmation_whose_notice_was_lost_is_found_by_asking(shop, waiting):
    confirm(payment_of(waiting).reference, confirmed=True)
    assert violations() == []  # a hold that the shop has not heard of yet
    fire_reminders()
    assert said(waiting)[:2] == ["PaymentActionRequired", "PaymentProcessed"]


def test_it_is_asked_again_while_the_customer_has_not_answered_and_after_an_outage(waiting):
    for fault in (None, "outage"):
        outage = GatewayFault.objects.create(kind=fault) if fault else None
        services.check_payment(order_id=waiting.pk)
        assert ScheduledMessage.objects.filter(type="payments.PaymentCheckDue.v1").count() == 1
        if outage:
            outage.delete()
    assert payment_of(waiting).state == "requires_action"


def test_a_lost_check_is_put_back_by_the_doctor(waiting):
    ScheduledMessage.objects.filter(type="payments.PaymentCheckDue.v1").delete()
    assert states(repair()) == {("timer", "repaired")}
    assert ScheduledMessage.objects.filter(type="payments.PaymentCheckDue.v1").count() == 1


def test_what_is_not_confirmed_in_time_is_cancelled_and_a_late_confirmation_takes_nothing(
    shop, waiting, client, settings
):
    path = page_of(waiting)
    settings.SHOP_PAYMENT_DEADLINE = timedelta(0)
    shop.run_to_end()
    assert shop.expect_status(waiting, "cancelled").cancel_reason == "payment_overdue"
    assert "nothing to confirm" in client.get(path).content.decode()
    client.post(path, {"answer": "confirm"})
    deliver_all()

    assert SimulatedCharge.objects.get().status == payment_of(waiting).state == "canceled"
    assert said(waiting) == ["PaymentActionRequired", "PaymentVoided"]
    assert violations() == []


def test_the_deadline_does_not_move_when_the_customer_has_to_confirm(waiting):
    assert waiting.payment_needs == "requires_action"
    assert waiting.changed_at - waiting.placed_at < timedelta(milliseconds=1)  # both are made at once


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_stop_after_the_customer_answered_takes_nothing(shop, waiting, confirmed):
    confirm(payment_of(waiting).reference, confirmed=confirmed)  # the notice is lost
    request_cancellation(order_id=waiting.pk, reason="customer")
    shop.run_to_end()
    assert shop.expect_status(waiting, "cancelled").cancel_reason == "customer"
    assert SimulatedCharge.objects.get().status != "requires_capture"
    assert violations() == []


class StopFailsWhileAsking(SimulatedGateway):
    """Gateway that has asked the customer when a stop comes that it does not answer."""

    def authorise(self, **call):
        charge = super().authorise(**call)
        outage = GatewayFault.objects.create(kind="outage", operation="cancel")
        with suppress(GatewayUnavailable):
            services.stop_payment(order_id=call["order_id"], reason="customer")
        outage.delete()
        return charge


def test_a_stop_while_the_bank_is_asked_cancels_what_would_have_to_be_confirmed(shop, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.StopFailsWhileAsking"
    order = shop.place(pays_with=CONFIRM_FIRST)
    deliver_all()
    assert SimulatedCharge.objects.get().status == payment_of(order).state == "canceled"
    assert said(order) == ["PaymentVoided"]
