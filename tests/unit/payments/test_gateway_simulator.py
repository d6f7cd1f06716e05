"""The simulated gateway: the promises of the port, and its faults."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections, transaction

from payments.errors import KeyReused, UnknownCharge
from payments.gateway import (
    Charge,
    ChargeRequest,
    GatewayTimeout,
    GatewayUnavailable,
    LedgerLine,
    gateway,
    provider_ledger,
)
from payments.models import GatewayFault, SimulatedCharge, SimulatedRefund
from payments.simulator.gateway import REFUSED
from payments.simulator.tokens import TOKENS
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.errors import InsideTransaction

pytestmark = pytest.mark.django_db

FIFTY = Money(amount="50.00", currency="EUR")
TEN = Money(amount="10.00", currency="EUR")


def charge(key="capture:1", amount=FIFTY, *, token="pm_card_visa") -> Charge:  # noqa: S107
    return gateway().charge(key=key, amount=amount, token=token, order_id=uuid7())


@pytest.mark.parametrize("token", ["pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_unheard_of"])
def test_repeated_key_gets_the_first_answer(token):
    assert charge(token=token) == charge(token=token)
    assert SimulatedCharge.objects.get().attempts == 1


def test_key_cannot_be_used_for_another_amount_or_token():
    charge()
    with pytest.raises(KeyReused, match=r"capture:1 was used for 50\.00 EUR before"):
        charge(amount=TEN)
    with pytest.raises(KeyReused):
        charge(token="pm_card_amex")


def charge_many(**tokens):
    return gateway().charge_many([ChargeRequest(key, FIFTY, token, uuid7()) for key, token in tokens.items()])


def test_of_several_each_is_charged_and_answered_under_its_key():
    charges = charge_many(one="pm_card_visa", two="pm_card_visa_chargeDeclined")
    assert {key: charge.status for key, charge in charges.items()} == {
        "one": "succeeded",
        "two": "requires_payment_method",
    }
    assert charges == {key: gateway().find_charge(key=key) for key in charges}


def test_several_are_charged_but_for_what_has_to_be_asked_for_alone():
    made = charge("known")
    gateway().cancel_charge(key="cancelled")
    tokens = dict.fromkeys(["known", "cancelled", "new"], "pm_card_visa")
    tokens |= {"lost": "pm_card_timeoutAfterCharge", "broken": "pm_card_gatewayError"}

    assert list(charge_many(**tokens)) == ["new"]
    assert gateway().find_charge(key="known") == made
    assert not SimulatedCharge.objects.filter(key__in=["lost", "broken"]).exists()


def test_none_of_several_is_charged_while_something_is_wrong_with_the_gateway():
    GatewayFault.objects.create(kind="outage", operation="charge", calls_left=1)
    assert charge_many(one="pm_card_visa", two="pm_card_visa") == {}
    with pytest.raises(GatewayUnavailable):
        charge("one")


def test_finished_charge_is_found_by_its_key():
    assert gateway().find_charge(key="capture:1") is None
    made = charge()
    assert gateway().find_charge(key="capture:1") == made


def test_timeout_charges_and_answers_the_second_call():
    with pytest.raises(GatewayTimeout):
        charge(token="pm_card_timeoutAfterCharge")
    assert charge(token="pm_card_timeoutAfterCharge").status == "succeeded"


def test_server_error_charges_nothing_twice_then_succeeds():
    for _ in range(2):
        with pytest.raises(GatewayUnavailable, match="500"):
            charge(token="pm_card_gatewayError")
        assert gateway().find_charge(key="capture:1") is None
    assert charge(token="pm_card_gatewayError").status == "succeeded"


def test_cancelled_key_can_never_be_charged():
    assert gateway().cancel_charge(key="capture:1").status == "canceled"
    assert charge().status == "canceled"
    assert list(provider_ledger()) == []


def test_charge_that_came_first_cannot_be_cancelled():
    made = charge()
    assert gateway().cancel_charge(key="capture:1") == made


@pytest.mark.django_db(transaction=True)
def test_charge_and_cancellation_at_once_agree():
    def work(call):
        try:
            return call().status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        answers = set(workers.map(work, [charge, lambda: gateway().cancel_charge(key="capture:1")]))
    assert answers in ({"succeeded"}, {"canceled"})


# --- Refunds ---------------------------------------------------------------------------------


def refund(made: Charge, key="refund:1", amount=FIFTY):
    return gateway().refund(key=key, charge=made.reference, amount=amount)


def find_refund(made: Charge, key="refund:1"):
    return gateway().find_refund(key=key, charge=made.reference)


def test_repeated_refund_gives_back_once():
    made = charge()
    assert refund(made) == refund(made) == find_refund(made)
    assert list(provider_ledger()) == [LedgerLine("capture:1", Decimal("50.00"), Decimal("50.00"), "EUR")]


def test_more_than_was_charged_is_not_given_back():
    made = charge()
    refund(made, "refund:1", TEN)
    refused = refund(made, "refund:2", FIFTY)

    assert (refused.status, refused.code) == ("failed", "charge_already_refunded")


def test_declined_charge_is_not_given_back():
    refused = refund(charge(token="pm_card_visa_chargeDeclined"))
    assert (refused.status, refused.code) == ("failed", "charge_not_captured")


def test_first_refund_fails_and_one_under_another_key_succeeds():
    made = charge(token="pm_card_refundFail")
    assert [refund(made).status, refund(made).status, refund(made, "refund:1:2").status] == [
        "failed",
        "failed",
        "succeeded",
    ]


def test_pending_refund_is_done_after_a_while():
    made = charge(token="pm_card_pendingRefund")
    assert refund(made).status == "pending"
    assert next(iter(provider_ledger())).refunded == 0
    assert [find_refund(made).status for _ in range(3)] == [
        "pending",
        "succeeded",
        "succeeded",
    ]


def test_refund_of_an_unknown_charge_is_refused():
    with pytest.raises(UnknownCharge, match="No such charge: 'pi_nobody'"):
        gateway().refund(key="refund:1", charge="pi_nobody", amount=TEN)


def test_refund_key_cannot_be_used_for_another_amount():
    made = charge()
    refund(made)
    with pytest.raises(KeyReused):
        refund(made, amount=TEN)


# --- Faults ----------------------------------------------------------------------------------


def test_outage_does_nothing():
    GatewayFault.objects.create(kind="outage")
    with pytest.raises(GatewayUnavailable, match="out of service"):
        charge()
    assert not SimulatedCharge.objects.exists()


def test_fault_hits_only_the_operation_it_names():
    GatewayFault.objects.create(kind="outage", operation="refund")
    made = charge()
    with pytest.raises(GatewayUnavailable):
        refund(made)


def test_timeout_fault_acts_first():
    GatewayFault.objects.create(kind="timeout", operation="charge")
    with pytest.raises(GatewayTimeout):
        charge()
    assert SimulatedCharge.objects.get().status == "succeeded"


def test_fault_ends_after_its_calls():
    GatewayFault.objects.create(kind="outage", calls_left=2)
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            charge()
    assert charge().status == "succeeded"


def test_a_refund_refused_by_a_fault_stays_refused_and_one_under_another_key_succeeds():
    fault = GatewayFault.objects.create(kind="refusal", operation="refund")
    made = charge()
    refused = refund(made)
    fault.delete()

    assert (refused.status, refused.code) == ("failed", REFUSED)
    assert refund(made) == find_refund(made) == refused
    assert refund(made, "refund:1:2").status == "succeeded"


def test_slow_gateway_answers_late():
    GatewayFault.objects.create(kind="slow", seconds=0.05)
    before = time.monotonic()
    assert charge().status == "succeeded"
    assert time.monotonic() - before >= 0.05


@pytest.mark.parametrize(
    "call",
    [
        lambda g: g.charge(key="k", amount=TEN, token="pm_card_visa", order_id=uuid7()),
        lambda g: g.find_charge(key="k"),
        lambda g: g.cancel_charge(key="k"),
        lambda g: g.refund(key="k", charge="pi_1", amount=TEN),
        lambda g: g.find_refund(key="k", charge="pi_1"),
    ],
)
def test_no_call_is_answered_inside_a_transaction(call):
    outside = gateway()
    with transaction.atomic(), pytest.raises(InsideTransaction, match="must not be called inside"):
        call(outside)
    with transaction.atomic(), pytest.raises(InsideTransaction):
        gateway()
    assert not SimulatedRefund.objects.exists()


def test_documented_tokens_are_known():
    assert set(TOKENS) >= {
        "pm_card_visa",
        "pm_card_visa_chargeDeclined",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_refundFail",
        "pm_card_pendingRefund",
        "pm_card_timeoutAfterCharge",
        "pm_card_gatewayError",
    }
