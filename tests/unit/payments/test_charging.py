"""Charging: one charge and one true event per order, despite crashes, timeouts and duplicates."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction

from orders.events import PaymentMethod
from payments import services
from payments.errors import GatewayTimeout, GatewayUnavailable
from payments.models import GatewayFault, Payment, SimulatedCharge
from payments.simulator.gateway import SimulatedGateway
from shop.messaging.errors import InsideTransaction
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from shop.privacy.payment_tokens import open_payment_methods
from tests.support.inprocess import deliver, deliver_batch

pytestmark = pytest.mark.django_db


#: Query of the inbox, intents, the gateway's own statement; then a transaction of inbox rows, outcomes, log
#: and outbox.
STATEMENTS_OF_A_BATCH = 8


class DiesAfterCharge(SimulatedGateway):
    """Gateway whose caller is killed after the charge, before the outcome is stored."""

    def authorise(self, **call):
        super().authorise(**call)
        raise SystemExit("killed")


class NeverAnswers(SimulatedGateway):
    """Gateway that times out without any effect."""

    def authorise(self, **call):
        raise GatewayTimeout("no answer")


def bill(order):
    [method] = open_payment_methods([order], PaymentMethod)
    return services.Bill(order.order_id, order.number, order.total, method.payment_method)


def charge(order):
    services.authorise_payments(bills=[bill(order)])
    return Payment.objects.get(order_id=order.order_id)


def test_created_order_charges_the_customer(order, happened, said):
    created = happened(order())

    payment = Payment.objects.get(order_id=created.order_id)
    assert (payment.state, payment.amount, payment.currency) == ("requires_capture", Decimal("49.90"), "EUR")
    assert payment.order_number == "ORD-1042"
    assert said(created.order_id) == ["PaymentProcessed"]
    taken = SimulatedCharge.objects.get(key=f"capture:{created.order_id}")
    assert (taken.reference, taken.amount, taken.status) == (
        payment.reference,
        Decimal("49.90"),
        "requires_capture",
    )


def test_payment_processed_says_how_much_is_held(order, happened):
    created = happened(order(amount="120.00"))

    data = EventRecord.objects.get(type="payments.PaymentProcessed.v1").data
    payment = Payment.objects.get()
    assert data == {
        "order_id": str(created.order_id),
        "payment_id": str(payment.id),
        "amount": {"amount": "120.00", "currency": "EUR"},
        "captured": False,
    }


@pytest.mark.parametrize(
    ("token", "code", "message"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline", "Your card was declined."),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "insufficient_funds",
            "Your card has insufficient funds.",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "Your card has expired."),
        ("pm_card_of_a_stranger", "resource_missing", "No such PaymentMethod: 'pm_card_of_a_stranger'"),
    ],
)
def test_declined_card_fails_the_payment(order, happened, said, token, code, message):
    created = happened(order(token))

    payment = Payment.objects.get()
    assert (payment.state, payment.failure_code, payment.failure_message) == (
        "requires_payment_method",
        code,
        message,
    )
    assert said(created.order_id) == ["PaymentFailed"]
    assert EventRecord.objects.get(type="payments.PaymentFailed.v2").data["code"] == code
    assert not SimulatedCharge.objects.filter(status="requires_capture").exists()


def test_timeout_after_charge_charges_once(order, happened, said):
    created = happened(order("pm_card_timeoutAfterCharge"))

    assert Payment.objects.get().state == "requires_capture"
    assert said(created.order_id) == ["PaymentProcessed"]
    assert SimulatedCharge.objects.get().attempts == 1


def test_timeout_after_charge_is_cleared_up_without_a_retry(order):
    assert charge(order("pm_card_timeoutAfterCharge")).state == "requires_capture"


def test_charge_without_any_answer_is_tried_again_under_the_same_key(order, happened, said, retry, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.NeverAnswers"
    created = happened(order())
    assert Payment.objects.get().state == "processing"
    assert said(created.order_id) == []

    del settings.SHOP_PAYMENT_GATEWAY
    assert retry() == 1
    assert Payment.objects.get().state == "requires_capture"
    assert said(created.order_id) == ["PaymentProcessed"]


def test_gateway_errors_pass_with_retries(order, happened, said):
    created = happened(order("pm_card_gatewayError"))

    assert said(created.order_id) == ["PaymentProcessed"]
    assert SimulatedCharge.objects.get().attempts == 3


def test_outage_of_the_gateway_delays_the_charge(order, happened, said, retry):
    outage = GatewayFault.objects.create(kind="outage")
    created = happened(order())
    assert said(created.order_id) == []
    assert ScheduledMessage.objects.get(kind="retry").last_error.startswith("GatewayUnavailable")

    outage.delete()
    retry()
    assert said(created.order_id) == ["PaymentProcessed"]


def test_crash_between_charge_and_settlement_charges_once(order, said, settings):
    placed = order()
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterCharge"
    with pytest.raises(SystemExit):
        charge(placed)
    assert Payment.objects.get().state == "processing"

    del settings.SHOP_PAYMENT_GATEWAY
    charge(placed)
    assert Payment.objects.get().state == "requires_capture"
    assert said(placed.order_id) == ["PaymentProcessed"]
    assert SimulatedCharge.objects.get().attempts == 1


def test_duplicate_event_charges_once(order, happened, said):
    created = happened(order())
    deliver(created, app="payments")

    assert said(created.order_id) == ["PaymentProcessed"]
    assert SimulatedCharge.objects.count() == 1


def test_charging_again_without_the_inbox_charges_once(order, said):
    placed = order()
    first, second = charge(placed), charge(placed)

    assert first.pk == second.pk
    assert said(placed.order_id) == ["PaymentProcessed"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_the_same_order_charge_once(order, said):
    placed = order()
    GatewayFault.objects.create(kind="slow", operation="authorise", seconds=0.2)  # both are inside at once

    def work(_):
        try:
            return charge(placed).state
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(work, range(2))) == ["requires_capture", "requires_capture"]
    assert said(placed.order_id) == ["PaymentProcessed"]
    assert SimulatedCharge.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_two_deliveries_at_once_charge_once(order, happened, said):
    with transaction.atomic():
        placed = publish(order())
    GatewayFault.objects.create(kind="slow", operation="authorise", seconds=0.2)

    def work(_):
        try:
            deliver(placed, app="payments")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, range(2)))
    assert said(placed.order_id) == ["PaymentProcessed"]
    assert not ScheduledMessage.objects.exists()


def test_gateway_refuses_to_be_called_inside_a_transaction(order):
    with pytest.raises(InsideTransaction), transaction.atomic():
        charge(order())
    assert not SimulatedCharge.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_gateway_is_called(order, settings):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.RecordsTheState"
    charge(order())

    assert RecordsTheState.saw == (False, "processing")  # the intent was committed before


class RecordsTheState(SimulatedGateway):
    """Gateway that records the state of the shop during a call."""

    saw: tuple[bool, str] | None = None

    def authorise(self, **call):
        type(self).saw = connection.in_atomic_block, Payment.objects.get().state
        return super().authorise(**call)


@pytest.fixture
def all_at_once(order):
    """Return a function that publishes orders with these means of payment and delivers them as one batch."""

    def publish_and_deliver(*methods):
        with transaction.atomic():
            events = [publish(order(payment_method=method)) for method in methods]
        deliver_batch(events, app="payments")
        return events

    return publish_and_deliver


def test_a_batch_is_charged_order_by_order_and_each_ends_as_it_has_to(all_at_once, said):
    events = all_at_once("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_timeoutAfterCharge")

    assert [said(event.order_id) for event in events] == [
        ["PaymentProcessed"],
        ["PaymentFailed"],
        ["PaymentProcessed"],
    ]
    causes = EventRecord.objects.filter(type__startswith="payments.").order_by("position")
    assert [record.causation_id for record in causes] == [event.meta.id for event in events]


def test_a_charge_that_fails_does_not_keep_the_others_of_its_batch_from_theirs(all_at_once, said):
    events = all_at_once("pm_card_gatewayError", "pm_card_visa", "pm_card_visa")

    assert [said(event.order_id) for event in events] == [["PaymentProcessed"]] * 3
    calls = SimulatedCharge.objects.order_by("order_id").values_list("attempts", flat=True)
    assert list(calls) == [3, 1, 1]  # in the batch and then alone; the others were not asked for again
    told = EventRecord.objects.filter(type="payments.PaymentProcessed.v1").order_by("position")
    assert [record.aggregate_id for record in told] == [events[n].order_id for n in (1, 2, 0)]


class TakesOneAtATime(SimulatedGateway):
    """Gateway without batches."""

    def authorise_many(self, requests):
        return {}


class TimesOutAfterABatch(SimulatedGateway):
    """Gateway that makes a batch of charges and then times out."""

    def authorise_many(self, requests):
        super().authorise_many(requests)
        raise GatewayTimeout("no answer")


@pytest.mark.parametrize("provider", ["TakesOneAtATime", "TimesOutAfterABatch"])
def test_a_batch_is_charged_once_whatever_becomes_of_the_call_for_all(order, said, settings, provider):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.{provider}"
    placed = [order(token) for token in ("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_visa")]
    services.authorise_payments(bills=[bill(one) for one in placed])

    told = [said(one.order_id) for one in placed]
    assert told == [["PaymentProcessed"], ["PaymentFailed"], ["PaymentProcessed"]]
    assert list(SimulatedCharge.objects.values_list("attempts", flat=True)) == [1, 1, 1]


def test_a_payment_of_a_batch_that_was_stopped_is_cancelled_and_the_others_are_charged(order):
    GatewayFault.objects.create(kind="outage")
    stopped, other = order(), order()
    for placed in (stopped, other):
        with pytest.raises(GatewayUnavailable):
            charge(placed)
    Payment.objects.filter(order_id=stopped.order_id).update(stop_reason="customer")

    GatewayFault.objects.all().delete()
    services.authorise_payments(bills=[bill(stopped), bill(other)])
    states = dict(SimulatedCharge.objects.values_list("order_id", "status"))
    assert states == {None: "canceled", other.order_id: "requires_capture"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [2, 40])
def test_a_batch_takes_the_same_few_statements(order, django_assert_num_queries, count):
    with transaction.atomic():
        events = [publish(order()) for _ in range(count)]
    with django_assert_num_queries(STATEMENTS_OF_A_BATCH):
        deliver_batch(events, app="payments")
    assert Payment.objects.filter(state="requires_capture").count() == count
