"""The simulated gateway: its tokens and faults. Its promises are in stripe/test_gateway_contract.py."""

import time

import pytest

from payments.gateway import (
    CancelRequest,
    Charge,
    ChargeRequest,
    GatewayTimeout,
    GatewayUnavailable,
    gateway,
    provider_ledger,
)
from payments.models import GatewayFault, SimulatedCharge
from payments.simulator.gateway import REFUSED
from payments.simulator.tokens import TOKENS
from shop.ids import uuid7
from shop.messaging.contracts import Money

pytestmark = pytest.mark.django_db

FIFTY = Money(amount="50.00", currency="EUR")
TEN = Money(amount="10.00", currency="EUR")


def hold(key="capture:1", amount=FIFTY, *, token="pm_card_visa") -> Charge:  # noqa: S107
    return gateway().authorise(key=key, amount=amount, token=token, order_id=uuid7())


def charge(key="capture:1", amount=FIFTY, *, token="pm_card_visa") -> Charge:  # noqa: S107
    held = hold(key, amount, token=token)
    if held.status != "requires_capture":
        return held
    return gateway().capture(key=f"{key}:capture", charge=held.reference, amount=amount)


def authorise_many(**tokens):
    return gateway().authorise_many(
        [ChargeRequest(key, FIFTY, token, uuid7()) for key, token in tokens.items()]
    )


def test_several_are_charged_but_for_what_has_to_be_asked_for_alone():
    made = charge("known")
    gateway().cancel(key="cancelled")
    tokens = dict.fromkeys(["known", "cancelled", "new"], "pm_card_visa")
    tokens |= {"lost": "pm_card_timeoutAfterCharge", "broken": "pm_card_gatewayError"}

    assert list(authorise_many(**tokens)) == ["new"]
    assert gateway().find(key="known") == made
    assert not SimulatedCharge.objects.filter(key__in=["lost", "broken"]).exists()


def test_none_of_several_is_charged_while_something_is_wrong_with_the_gateway():
    GatewayFault.objects.create(kind="outage", operation="authorise", calls_left=1)
    assert authorise_many(one="pm_card_visa", two="pm_card_visa") == {}
    with pytest.raises(GatewayUnavailable):
        charge("one")


def test_none_of_several_is_cancelled_while_something_is_wrong_with_the_gateway():
    fault = GatewayFault.objects.create(kind="outage", operation="refund")
    asked = [CancelRequest("one"), CancelRequest("two")]
    assert gateway().cancel_many(asked) == {}
    assert not SimulatedCharge.objects.exists()

    fault.delete()
    assert gateway().cancel_many(asked).keys() == {"one", "two"}


def test_a_key_that_is_asked_for_twice_is_cancelled_once():
    assert gateway().cancel_many([CancelRequest("one"), CancelRequest("one")]).keys() == {"one"}


def test_timeout_charges_and_answers_the_second_call():
    with pytest.raises(GatewayTimeout):
        charge(token="pm_card_timeoutAfterCharge")
    assert charge(token="pm_card_timeoutAfterCharge").status == "succeeded"


def test_server_error_charges_nothing_twice_then_succeeds():
    for _ in range(2):
        with pytest.raises(GatewayUnavailable, match="500"):
            charge(token="pm_card_gatewayError")
        assert gateway().find(key="capture:1") is None
    assert charge(token="pm_card_gatewayError").status == "succeeded"


# --- Refunds ---------------------------------------------------------------------------------


def refund(made: Charge, key="refund:1", amount=FIFTY):
    return gateway().refund(key=key, charge=made.reference, amount=amount)


def find_refund(made: Charge, key="refund:1"):
    return gateway().find_refund(key=key, charge=made.reference)


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
    GatewayFault.objects.create(kind="timeout", operation="authorise")
    with pytest.raises(GatewayTimeout):
        charge()
    assert SimulatedCharge.objects.get().status == "requires_capture"


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


def test_documented_tokens_are_known():
    assert set(TOKENS) >= {
        "pm_card_visa",
        "pm_card_visa_chargeDeclined",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_refundFail",
        "pm_card_pendingRefund",
        "pm_card_captureFail",
        "pm_card_timeoutAfterCharge",
        "pm_card_gatewayError",
    }
