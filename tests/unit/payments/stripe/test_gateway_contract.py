"""Promises of the port to payment gateways, held by the simulator and by Stripe."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections, transaction

from payments.errors import KeyReused, UnknownCharge
from payments.gateway import (
    Charge,
    ChargeRequest,
    GatewayTimeout,
    LedgerLine,
    forget_charges,
    gateway,
    provider_ledger,
)
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.errors import InsideTransaction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backstage")]

FIFTY = Money(amount="50.00", currency="EUR")
TEN = Money(amount="10.00", currency="EUR")
DECLINED, POOR = "pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"
ORDER = uuid7()
KEY = f"capture:{ORDER}"


def charge(key=KEY, amount=FIFTY, *, token="pm_card_visa") -> Charge:  # noqa: S107
    return gateway().charge(key=key, amount=amount, token=token, order_id=ORDER)


def refund(made: Charge, key="refund:1", amount=FIFTY):
    return gateway().refund(key=key, charge=made.reference, amount=amount)


def find_refund(made: Charge, key="refund:1"):
    return gateway().find_refund(key=key, charge=made.reference)


# --- Charges ---------------------------------------------------------------------------------


def test_a_charge_stands_in_the_books():
    made = charge()
    assert made.status == "succeeded"
    assert made.reference
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(50), Decimal(0), "EUR")]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (DECLINED, "generic_decline"),
        (POOR, "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_unheard_of", "resource_missing"),
    ],
)
def test_a_decline_has_its_code_and_takes_nothing(token, code):
    made = charge(token=token)
    assert (made.status, made.code) == ("requires_payment_method", code)
    assert made.message
    assert list(provider_ledger()) == []


@pytest.mark.parametrize("token", ["pm_card_visa", POOR, "pm_card_unheard_of"])
def test_a_repeated_key_gets_the_first_answer(token):
    assert charge(token=token) == charge(token=token)
    assert len(list(provider_ledger())) <= 1


def test_a_key_cannot_be_used_for_another_amount_or_token():
    charge()
    with pytest.raises(KeyReused):
        charge(amount=TEN)
    with pytest.raises(KeyReused):
        charge(token="pm_card_amex")
    assert [line.captured for line in provider_ledger()] == [50]


@pytest.mark.parametrize("token", ["pm_card_visa", POOR])
def test_a_finished_charge_is_found_by_its_key(token):
    assert gateway().find_charge(key=KEY) is None
    made = charge(token=token)
    assert gateway().find_charge(key=KEY) == made


def test_of_several_each_is_charged_and_answered_under_its_key():
    tokens = {"capture:a": "pm_card_visa", "capture:b": DECLINED, "capture:c": "pm_card_visa"}
    asked = [ChargeRequest(key, FIFTY, token, uuid7()) for key, token in tokens.items()]
    charges = gateway().charge_many(asked)

    assert {key: made.status for key, made in charges.items()} == {
        "capture:a": "succeeded",
        "capture:b": "requires_payment_method",
        "capture:c": "succeeded",
    }
    assert charges == {key: gateway().find_charge(key=key) for key in tokens}


def test_nothing_is_made_of_no_requests():
    assert gateway().charge_many([]) == {}


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("500", "JPY"), ("5.120", "KWD"), ("12.34", "EUR"), ("700", "ISK"), ("900", "UGX")],
)
def test_amounts_keep_their_decimals_in_any_currency(amount, currency):
    money = Money(amount=amount, currency=currency)
    made = charge(amount=money)
    refund(made, amount=money)

    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(amount), Decimal(amount), currency)]
    assert gateway().find_refunds(charge=made.reference)[0].amount == money


# --- Cancelling ------------------------------------------------------------------------------


def test_a_cancelled_key_can_never_be_charged():
    assert [gateway().cancel_charge(key=KEY).status for _ in range(2)] == ["canceled", "canceled"]
    assert charge().status == "canceled"
    assert gateway().find_charge(key=KEY).status == "canceled"
    assert list(provider_ledger()) == []


@pytest.mark.parametrize("token", ["pm_card_visa", POOR])
def test_a_charge_that_came_first_stays_as_it_is(token):
    made = charge(token=token)
    assert gateway().cancel_charge(key=KEY) == made
    assert charge(token=token) == made


@pytest.mark.django_db(transaction=True)
def test_charge_and_cancellation_at_once_agree():
    with ThreadPoolExecutor(2) as workers:
        answers = set(workers.map(_answer, [charge, lambda: gateway().cancel_charge(key=KEY)]))
    assert answers in ({"succeeded"}, {"canceled"})
    assert len(list(provider_ledger())) == (answers == {"succeeded"})


def _answer(call):
    """Call until there is an answer, as the shop does."""
    try:
        for _ in range(100):
            try:
                return call().status
            except GatewayTimeout:
                continue
    finally:
        connections.close_all()
    return None


# --- Refunds ---------------------------------------------------------------------------------


def test_a_repeated_refund_gives_back_once():
    made = charge()
    assert find_refund(made) is None
    assert refund(made) == refund(made) == find_refund(made)
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(50), Decimal(50), "EUR")]


def test_refunds_of_parts_add_up():
    made = charge()
    refund(made, "refund:1", TEN)
    refund(made, "refund:2", TEN)

    assert [line.refunded for line in provider_ledger()] == [20]
    assert [given.amount for given in gateway().find_refunds(charge=made.reference)] == [TEN, TEN]


def test_more_than_was_charged_is_refused():
    made = charge()
    refund(made, "refund:1", TEN)
    refused = refund(made, "refund:2", FIFTY)

    assert refused.status == "failed"
    assert refused.code
    assert [line.refunded for line in provider_ledger()] == [10]


def test_what_was_given_back_by_hand_is_seen_and_not_given_again(backstage):
    made = charge()
    backstage.refund_by_hand(made, FIFTY)
    refused = refund(made)

    assert (refused.status, refused.code) == ("failed", "charge_already_refunded")
    given = gateway().find_refunds(charge=made.reference)
    assert [(one.amount, one.status) for one in given if one.status == "succeeded"] == [(FIFTY, "succeeded")]
    assert [line.refunded for line in provider_ledger()] == [50]


def test_refunds_are_listed_from_the_oldest_on(backstage):
    made = charge()
    own = refund(made, amount=TEN)
    backstage.refund_by_hand(made, Money(amount="15.00", currency="EUR"))

    given = gateway().find_refunds(charge=made.reference)
    assert [one.amount.amount for one in given] == [10, 15]
    assert given[0].reference == own.reference


def test_a_declined_charge_is_not_given_back():
    refused = refund(charge(token=DECLINED))
    assert refused.status == "failed"
    assert list(provider_ledger()) == []


def test_a_pending_refund_is_in_no_books_yet():
    made = charge(token="pm_card_pendingRefund")
    assert refund(made).status == "pending"
    assert gateway().find_refunds(charge=made.reference)[0].status == "pending"
    assert [line.refunded for line in provider_ledger()] == [0]


def test_a_refund_of_an_unknown_charge_is_an_error():
    with pytest.raises(UnknownCharge, match="pi_nobody"):
        gateway().refund(key="refund:1", charge="pi_nobody", amount=TEN)


def test_a_refund_key_cannot_be_used_for_another_amount():
    made = charge()
    refund(made)
    with pytest.raises(KeyReused):
        refund(made, amount=TEN)


# --- Both ------------------------------------------------------------------------------------


def test_customers_are_forgotten_and_the_books_stay():
    charge()
    forget_charges([KEY, "capture:unknown"])
    forget_charges([KEY])
    assert [line.captured for line in provider_ledger()] == [50]


@pytest.mark.parametrize(
    "call",
    [
        lambda g: g.charge(key="k", amount=TEN, token="pm_card_visa", order_id=ORDER),
        lambda g: g.charge_many([ChargeRequest("k", TEN, "pm_card_visa", ORDER)]),
        lambda g: g.find_charge(key="k"),
        lambda g: g.cancel_charge(key="k"),
        lambda g: g.refund(key="k", charge="pi_1", amount=TEN),
        lambda g: g.find_refund(key="k", charge="pi_1"),
        lambda g: g.find_refunds(charge="pi_1"),
    ],
)
def test_no_call_is_made_inside_a_transaction(call):
    outside = gateway()
    with transaction.atomic(), pytest.raises(InsideTransaction):
        call(outside)
