"""Refunds of parts of what is only held: that much less is captured, whatever comes in between."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.events import RefundRequested
from payments import services
from payments.models import Payment, Refund, SimulatedCharge, SimulatedRefund
from payments.queries import balances, failed_refunds, payments_of
from payments.simulator.gateway import SimulatedGateway
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord, ScheduledMessage

pytestmark = pytest.mark.django_db

TEN = Decimal("10.00")


def part(order_id, amount="10.00"):
    return RefundRequested(order_id=order_id, refund_id=uuid7(), amount=Money(amount=amount, currency="EUR"))


@pytest.fixture
def held(order, happened):
    """Return an order whose money is held."""
    return happened(order()).order_id


def capture(order_id):
    services.capture_payments(order_ids=[order_id])


def states():
    refunds = Refund.objects.order_by("created_at")
    return [(refund.state, refund.channel, str(refund.amount)) for refund in refunds]


def books():
    [balance] = balances()
    assert balance.agrees
    return balance.captured, balance.refunded


def test_a_part_of_what_is_held_is_not_taken(held, happened, said):
    happened(part(held))
    assert states() == [("requested", "shop", "10.00")]
    capture(held)

    assert states() == [("succeeded", "hold", "10.00")]
    assert said(held) == ["PaymentProcessed", "PaymentRefunded", "PaymentCaptured"]
    assert books() == (Decimal("39.90"), 0)
    data = {
        record.type.split(".")[1]: record.data for record in EventRecord.objects.filter(aggregate_id=held)
    }
    assert data["PaymentCaptured"]["amount"]["amount"] == "39.90"
    assert data["PaymentRefunded"]["left"]["amount"] == "39.90"
    assert data["PaymentRefunded"]["held"] is True
    assert Payment.objects.get().amount_refund_open == 0


def test_what_is_left_can_still_be_given_back(held, happened):
    happened(part(held))
    capture(held)
    happened(part(held, "39.90"))
    assert books() == (Decimal("39.90"), Decimal("39.90"))


def test_nothing_is_asked_of_the_provider_while_a_part_waits(held, happened):
    event = happened(part(held))
    services.check_refund(refund_id=event.refund_id)
    assert states() == [("requested", "shop", "10.00")]
    assert not SimulatedRefund.objects.exists()


def test_more_than_is_held_fails_at_once(held, happened, said):
    happened(part(held))
    happened(part(held, "39.91"))
    assert states() == [("requested", "shop", "10.00"), ("failed", "shop", "39.91")]
    assert said(held)[-1] == "RefundFailed"


def test_all_of_what_is_held_waits_until_it_is_taken(held, happened):
    happened(part(held, "49.90"))
    assert not Refund.objects.exists()
    assert ScheduledMessage.objects.get().kind == "parked"


@pytest.mark.parametrize("end", ["stopped", "rejected"])
def test_a_payment_that_is_voided_takes_no_part(held, happened, said, request, end):
    happened(part(held))
    happened(request.getfixturevalue(end)(held))
    assert states() == [("succeeded", "hold", "10.00")]
    assert said(held) == ["PaymentProcessed", "PaymentRefunded", "PaymentVoided"]
    assert books() == (0, 0)


class RequestedMeanwhile(SimulatedGateway):
    """Gateway that has captured when staff requests a part."""

    def capture(self, **call):
        captured = super().capture(**call)
        order_id = Payment.objects.get().order_id
        services.refund_part(order_id=order_id, refund_id=uuid7(), amount=TEN)
        return captured


@pytest.mark.parametrize("before", [0, 1])
def test_a_part_that_is_requested_during_the_capture_is_given_back_after_it(
    held, happened, settings, remind, before
):
    for _ in range(before):
        happened(part(held, "5.00"))
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.RequestedMeanwhile"
    capture(held)
    remind()
    assert states()[before:] == [("succeeded", "shop", "10.00")]
    assert books() == (Decimal("49.90") - 5 * before, TEN)


class DiesAfterCapture(SimulatedGateway):
    """Gateway whose caller is killed after a capture."""

    def capture(self, **call):
        super().capture(**call)
        raise SystemExit("killed")


def test_a_part_that_is_requested_after_a_crash_is_given_back_after_the_capture(
    held, happened, settings, remind
):
    settings.SHOP_PAYMENT_GATEWAY = f"{__name__}.DiesAfterCapture"
    with pytest.raises(SystemExit):
        capture(held)
    del settings.SHOP_PAYMENT_GATEWAY
    happened(part(held))
    capture(held)
    remind()
    assert states() == [("succeeded", "shop", "10.00")]
    assert books() == (Decimal("49.90"), TEN)
    assert SimulatedCharge.objects.get().captured == Decimal("49.90")


def test_a_part_of_more_than_is_held_has_failed_and_waits_for_nobody(held, happened):
    happened(part(held, "60.00"))
    [payment] = payments_of(held)
    assert [(refund.state, refund.can_be_retried) for refund in payment.refunds] == [("failed", False)]
    assert failed_refunds() == []


def test_captures_of_parts_lock_the_payments_in_the_order_of_all(order, happened):
    whole, partly = sorted(happened(order()).order_id for _ in range(2))
    happened(part(partly))
    with CaptureQueriesContext(connection) as statements:
        services.capture_payments(order_ids=[whole, partly])
    locking = [one["sql"] for one in statements if "payments_payment" in one["sql"] and " FOR " in one["sql"]]
    assert whole.hex in locking[0]
    assert partly.hex in locking[0]
    assert {*Payment.objects.values_list("state", flat=True)} == {"succeeded"}
