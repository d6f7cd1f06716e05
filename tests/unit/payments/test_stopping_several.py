"""Stopping several payments: one call for all, and each ends as it would alone."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections, transaction

from payments import services
from payments.errors import GatewayUnavailable
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway, confirm
from shipping.events import FulfilmentStopped
from shop.ids import uuid7
from shop.messaging.models import ScheduledMessage
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver_batch

pytestmark = pytest.mark.django_db

CONFIRM_FIRST = "pm_card_authenticationRequired"
HELD_AND_VOIDED = ["PaymentProcessed", "PaymentVoided"]


@pytest.fixture
def stop(stopped):
    """Return a function that stops orders by events that come together."""

    def stop(*order_ids, by=stopped):
        with transaction.atomic():
            events = [publish(by(order_id)) for order_id in order_ids]
        deliver_batch(events, app="payments")

    return stop


@pytest.fixture
def held(order, happened):
    """Return a function that returns orders whose amount is held."""
    return lambda count: [happened(order()).order_id for _ in range(count)]


class CancelsTogether(SimulatedGateway):
    """Gateway that is to be called once for all."""

    def cancel(self, **call):
        raise AssertionError("a call of its own")


class OneFails(SimulatedGateway):
    """Gateway that fails over one of several payments."""

    key = ""

    def cancel_many(self, requests):
        return super().cancel_many([asked for asked in requests if asked.key != OneFails.key])

    def cancel(self, *, key, charge=""):
        if key == OneFails.key:
            raise GatewayUnavailable("not this one")
        return super().cancel(key=key, charge=charge)


class Captures(SimulatedGateway):
    """Gateway at which captures are made while a stop is on its way."""

    order_ids = ()

    def cancel_many(self, requests):
        order_ids, Captures.order_ids = Captures.order_ids, ()
        services.capture_payments(order_ids=order_ids)
        return super().cancel_many(requests)


class DiesAfterCancelling(SimulatedGateway):
    """Gateway whose caller is killed after a batch."""

    def cancel_many(self, requests):
        super().cancel_many(requests)
        raise SystemExit("killed")


@pytest.mark.parametrize("end", ["rejected", "not_taken", "stopped"])
def test_what_ends_several_orders_voids_their_payments_in_one_call(held, said, stop, settings, request, end):
    orders = held(3)
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.CancelsTogether"
    stop(*orders, by=request.getfixturevalue(end))

    assert [said(order_id) for order_id in orders] == [HELD_AND_VOIDED] * 3
    assert {*SimulatedCharge.objects.values_list("status", flat=True)} == {"canceled"}
    assert not ScheduledMessage.objects.filter(kind="retry").exists()


def test_payments_in_all_states_are_stopped_together_as_each_would_be_alone(order, happened, said, stop):
    tokens = {
        "pm_card_visa": HELD_AND_VOIDED,
        "pm_card_visa_chargeDeclined": ["PaymentFailed", "PaymentVoided"],
        CONFIRM_FIRST: ["PaymentActionRequired", "PaymentVoided"],
        "pm_card_pendingRefund": ["PaymentProcessed"],  # taken at once, and its refund is pending
        "pm_card_refundFail": ["PaymentProcessed", "RefundFailed"],
    }
    expected = {happened(order(token)).order_id: events for token, events in tokens.items()}
    expected[happened(order(amount="0.00")).order_id] = ["PaymentProcessed", "PaymentRefunded"]
    expected[uuid7()] = ["PaymentVoided"]
    stop(*expected)
    assert {order_id: said(order_id) for order_id in expected} == expected
    assert {*Payment.objects.values_list("stop_reason", flat=True)} == {"customer"}

    services.stop_payments(reasons=dict.fromkeys(expected, "operator"))
    assert {order_id: said(order_id) for order_id in expected} == expected
    assert {*Payment.objects.values_list("stop_reason", flat=True)} == {"customer"}


def test_one_that_fails_holds_up_no_other_and_is_stopped_later(held, said, stop, settings, retry):
    orders = held(3)
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.OneFails"
    OneFails.key = Payment.objects.get(order_id=orders[0]).idempotency_key
    stop(*orders)
    assert [said(order_id) for order_id in orders] == [["PaymentProcessed"], HELD_AND_VOIDED, HELD_AND_VOIDED]

    del settings.SHOP_PAYMENT_GATEWAY
    assert retry() == 1
    assert said(orders[0]) == HELD_AND_VOIDED


def test_an_outage_delays_all_and_none_is_charged_meanwhile(order, happened, said, stop, retry):
    outage = GatewayFault.objects.create(kind="outage")
    placed = [happened(order()).order_id for _ in range(2)]
    stop(*placed)
    assert [said(order_id) for order_id in placed] == [[], []]

    outage.delete()
    retry()
    assert [said(order_id) for order_id in placed] == [["PaymentVoided"]] * 2


@pytest.mark.django_db(transaction=True)
def test_a_crash_after_the_call_voids_each_once(held, said, stopped, settings):
    orders = held(2)
    with transaction.atomic():
        events = [publish(stopped(order_id)) for order_id in orders]
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterCancelling"
    with pytest.raises(SystemExit):
        deliver_batch(events, app="payments")
    assert {*Payment.objects.values_list("state", "stop_reason")} == {("requires_capture", "customer")}

    del settings.SHOP_PAYMENT_GATEWAY
    deliver_batch(events, app="payments")
    assert [said(order_id) for order_id in orders] == [HELD_AND_VOIDED] * 2


def test_a_capture_that_is_being_made_is_refunded_and_the_others_are_voided(
    held, said, stop, settings, remind
):
    captured, *others = held(3)
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.Captures"
    Captures.order_ids = [captured]
    services.stop_payments(reasons=dict.fromkeys([captured, *others], "customer"))

    assert [said(order_id) for order_id in others] == [HELD_AND_VOIDED] * 2
    assert said(captured) == ["PaymentProcessed", "PaymentCaptured"]
    remind()
    assert said(captured) == ["PaymentProcessed", "PaymentCaptured", "PaymentRefunded"]
    assert Refund.objects.get().reason == "customer"


def test_parts_that_were_to_be_given_back_are_taken_off_each_hold(held, said, stop):
    orders = held(2)
    for order_id in orders:
        services.refund_part(order_id=order_id, refund_id=uuid7(), amount=Decimal("0.90"))
    stop(*orders)
    assert [said(order_id) for order_id in orders] == [
        ["PaymentProcessed", "PaymentRefunded", "PaymentVoided"]
    ] * 2


# --- Former attempts ----------------------------------------------------------------------------


@pytest.fixture
def paid_again(order, happened):
    """Return an order that its customer pays by other means, while the former ones cannot be cancelled."""
    created = happened(order(CONFIRM_FIRST))
    Payment.objects.filter(order_id=created.order_id).update(may_retry=True)
    outage = GatewayFault.objects.create(kind="outage", operation="cancel")
    with pytest.raises(GatewayUnavailable):
        services.attempt_payment(order_id=created.order_id, attempt=2, payment_method="pm_card_visa")
    outage.delete()
    return created.order_id


def test_a_former_attempt_is_ended_too(paid_again, held, said, stop):
    former = SimulatedCharge.objects.get()
    stop(paid_again, *held(1))

    assert said(paid_again) == ["PaymentActionRequired", "PaymentVoided"]
    assert confirm(former.reference, confirmed=True).status == "canceled"
    assert {*SimulatedCharge.objects.values_list("status", flat=True)} == {"canceled"}


def test_a_former_attempt_that_took_the_money_is_refunded_and_holds_up_no_other(
    paid_again, held, said, stop, remind, settings
):
    SimulatedCharge.objects.update(status="succeeded", captured=Decimal("49.90"))
    voided, failing = held(2)
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.OneFails"
    OneFails.key = Payment.objects.get(order_id=failing).idempotency_key
    stop(paid_again, voided, failing)

    assert said(paid_again) == ["PaymentActionRequired", "PaymentProcessed"]
    assert (said(voided), said(failing)) == (HELD_AND_VOIDED, ["PaymentProcessed"])
    assert ScheduledMessage.objects.filter(kind="retry").count() == 1
    remind()
    assert said(paid_again) == ["PaymentActionRequired", "PaymentProcessed", "PaymentRefunded"]


# --- Several stops of the same orders -----------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_stops_of_the_same_orders_at_once_void_each_once(held, said):
    orders = [*held(4), *(uuid7() for _ in range(4))]

    def work(order_ids):
        try:
            services.stop_payments(reasons=dict.fromkeys(order_ids, "customer"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, [orders, orders[::-1]]))
    assert [said(order_id) for order_id in orders] == [HELD_AND_VOIDED] * 4 + [["PaymentVoided"]] * 4


def test_of_two_stops_of_an_order_that_come_together_the_first_reason_stands(held, stop):
    [order_id], reasons = held(1), iter(["customer", "overdue"])
    stop(order_id, order_id, by=lambda order_id: FulfilmentStopped(order_id=order_id, reason=next(reasons)))
    assert Payment.objects.get(order_id=order_id).stop_reason == "customer"
