"""Promises of the port to payment gateways, held by the simulator and by Stripe."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections, transaction

from payments.confirmation import HOSTED_PAGE
from payments.errors import KeyReused, UnknownCharge
from payments.gateway import (
    CancelRequest,
    CaptureRequest,
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


def hold(key=KEY, amount=FIFTY, *, token="pm_card_visa") -> Charge:  # noqa: S107
    return gateway().authorise(key=key, amount=amount, token=token, order_id=ORDER)


def capture(held: Charge, key=f"{KEY}:capture", amount=FIFTY) -> Charge:
    return gateway().capture(key=key, charge=held.reference, amount=amount)


def charge(key=KEY, amount=FIFTY, *, token="pm_card_visa") -> Charge:  # noqa: S107
    held = hold(key, amount, token=token)
    return capture(held, f"{key}:capture", amount) if held.status == "requires_capture" else held


def refund(made: Charge, key="refund:1", amount=FIFTY):
    return gateway().refund(key=key, charge=made.reference, amount=amount)


def cancel_many(*keys):
    return gateway().cancel_many([CancelRequest(key) for key in keys])


def find_refund(made: Charge, key="refund:1"):
    return gateway().find_refund(key=key, charge=made.reference)


# --- Holding and capturing -------------------------------------------------------------------


def test_what_is_held_stands_in_the_books_and_is_not_taken():
    held = hold()
    assert held.status == "requires_capture"
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(0), Decimal(0), "EUR", held=Decimal(50))]
    assert gateway().find(key=KEY) == hold() == held


def test_what_is_held_is_captured_once():
    held = hold()
    captured = capture(held)
    assert (captured.reference, captured.status, captured.code) == (held.reference, "succeeded", "")
    assert capture(held) == capture(held, "capture:again") == gateway().find(key=KEY) == captured
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(50), Decimal(0), "EUR")]


def test_what_is_held_is_released_by_a_cancellation_and_cannot_be_captured():
    held = hold()
    assert gateway().cancel(key=KEY).status == "canceled"
    refused = capture(held)
    assert (refused.status, bool(refused.code)) == ("canceled", True)
    assert gateway().find(key=KEY).status == "canceled"
    assert list(provider_ledger()) == []


def test_more_than_is_held_is_not_captured_and_the_hold_stands():
    held = hold(amount=TEN)
    refused = capture(held)
    assert (refused.status, refused.code) == ("requires_capture", "amount_too_large")
    assert capture(held, "capture:2", TEN).status == "succeeded"


def test_a_part_of_what_is_held_is_captured_and_no_more_given_back():
    captured = capture(hold(), amount=TEN)
    assert refund(captured, "refund:1", FIFTY).status == "failed"
    assert refund(captured, "refund:2", TEN).status == "succeeded"
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(10), Decimal(10), "EUR")]


def test_a_repeated_capture_of_another_amount_tells_what_was_taken():
    held = hold()
    capture(held, amount=TEN)
    again = capture(held, amount=FIFTY)
    assert (again.status, again.captured) == ("succeeded", Decimal(10))


def test_a_capture_that_is_refused_stays_refused_under_its_key_and_can_be_tried_under_another():
    held = hold(token="pm_card_captureFail")
    refusals = [capture(held) for _ in range(2)]
    assert {(one.status, bool(one.code)) for one in refusals} == {("requires_capture", True)}
    assert capture(held, f"{KEY}:capture:2").status == "succeeded"
    assert [line.captured for line in provider_ledger()] == [50]


def test_several_are_captured_and_answered_under_their_keys():
    first, second = hold("capture:a"), hold("capture:b")
    asked = [CaptureRequest("a", first.reference, FIFTY), CaptureRequest("b", second.reference, FIFTY)]
    captured = gateway().capture_many(asked)
    assert {key: (one.reference, one.status) for key, one in captured.items()} == {
        "a": (first.reference, "succeeded"),
        "b": (second.reference, "succeeded"),
    }


def test_what_is_not_held_is_not_captured_with_the_others():
    held, gone = hold("capture:a"), hold("capture:b")
    gateway().cancel(key="capture:b")
    asked = [CaptureRequest("a", held.reference, FIFTY), CaptureRequest("b", gone.reference, FIFTY)]
    captured = gateway().capture_many(asked)
    assert captured["a"].status == "succeeded"
    assert "b" not in captured or captured["b"].status == "canceled"
    assert [line.key for line in provider_ledger()] == ["capture:a"]


def test_a_capture_of_what_was_never_held_is_an_error():
    with pytest.raises(UnknownCharge, match="pi_nobody"):
        gateway().capture(key="capture:1", charge="pi_nobody", amount=TEN)


def cancel() -> Charge:
    return gateway().cancel(key=KEY)


def cancel_with_others() -> Charge:
    return cancel_many(KEY, "capture:z").get(KEY) or cancel()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("release", [cancel, cancel_with_others])
def test_capture_and_cancellation_at_once_agree(release):
    held = hold()
    with ThreadPoolExecutor(2) as workers:
        answers = set(workers.map(_answer, [lambda: capture(held), release]))
    assert answers in ({"succeeded"}, {"canceled"})
    assert len(list(provider_ledger())) == (answers == {"succeeded"})


# --- Confirmation by the customer ------------------------------------------------------------

CONFIRM_FIRST = "pm_card_authenticationRequired"
CONFIRM_IN_VAIN = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"


def test_a_customer_who_has_to_confirm_is_sent_to_a_page_and_nothing_is_held():
    asked = hold(token=CONFIRM_FIRST)
    assert (asked.status, asked.captured, asked.code) == ("requires_action", 0, "")
    assert asked.confirm_url.startswith("http")
    assert hold(token=CONFIRM_FIRST) == gateway().find(key=KEY) == asked
    assert list(provider_ledger()) == []


def test_several_of_which_some_have_to_be_confirmed_are_answered_under_their_keys():
    asked = [
        ChargeRequest("a", FIFTY, CONFIRM_FIRST, ORDER),
        ChargeRequest("b", FIFTY, "pm_card_visa", ORDER),
    ]
    made = gateway().authorise_many(asked)
    assert {key: one.status for key, one in made.items()} == {"a": "requires_action", "b": "requires_capture"}


def test_what_the_customer_confirms_is_held_and_can_be_captured(backstage):
    asked = hold(token=CONFIRM_FIRST)
    backstage.customer_answers(asked, confirms=True)
    held = gateway().find(key=KEY)
    assert (held.reference, held.status, held.confirm_url) == (asked.reference, "requires_capture", "")
    assert capture(held).status == "succeeded"


def test_what_the_customer_refuses_is_declined_and_stays_so(backstage):
    asked = hold(token=CONFIRM_FIRST)
    backstage.customer_answers(asked, confirms=False)
    backstage.customer_answers(asked, confirms=True)
    refused = gateway().find(key=KEY)
    assert (refused.status, refused.code) == (
        "requires_payment_method",
        "payment_intent_authentication_failure",
    )
    assert gateway().cancel(key=KEY).status == "requires_payment_method"
    assert list(provider_ledger()) == []


def test_what_is_confirmed_may_be_declined_all_the_same(backstage):
    backstage.customer_answers(hold(token=CONFIRM_IN_VAIN), confirms=True)
    assert gateway().find(key=KEY).code == "insufficient_funds"


def test_what_was_cancelled_can_not_be_confirmed_any_more(backstage):
    asked = hold(token=CONFIRM_FIRST)
    assert gateway().cancel(key=KEY).status == "canceled"
    backstage.customer_answers(asked, confirms=True)
    assert gateway().find(key=KEY).status == "canceled"
    assert list(provider_ledger()) == []


# --- The provider's page ----------------------------------------------------------------------


def test_a_customer_who_pays_on_the_providers_page_is_sent_there_and_nothing_is_held():
    asked = hold(token=HOSTED_PAGE)
    assert (asked.status, asked.captured, asked.code) == ("requires_action", 0, "")
    assert asked.confirm_url.startswith("http")
    assert hold(token=HOSTED_PAGE) == gateway().find(key=KEY, charge=asked.reference) == asked
    assert list(provider_ledger()) == []


def test_what_is_paid_on_the_page_is_held_and_can_be_captured(backstage):
    asked = hold(token=HOSTED_PAGE)
    backstage.customer_answers(asked, confirms=True)
    held = gateway().find(key=KEY, charge=asked.reference)
    assert (held.status, held.confirm_url) == ("requires_capture", "")
    assert gateway().find(key=KEY) == gateway().find(key=KEY, charge=held.reference) == held
    assert capture(held).status == "succeeded"
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(50), Decimal(0), "EUR")]


def test_what_is_held_by_the_page_is_released_by_a_cancellation(backstage):
    asked = hold(token=HOSTED_PAGE)
    backstage.customer_answers(asked, confirms=True)
    assert gateway().cancel(key=KEY, charge=asked.reference).status == "canceled"
    assert list(provider_ledger()) == []


@pytest.mark.parametrize("knows_it", [True, False])
def test_a_page_that_was_cancelled_takes_no_payment(backstage, knows_it):
    asked = hold(token=HOSTED_PAGE)
    reference = asked.reference if knows_it else ""
    answers = [gateway().cancel(key=KEY, charge=reference) for _ in range(2)]
    assert [one.status for one in answers] == ["canceled", "canceled"]
    backstage.customer_answers(asked, confirms=True)
    assert gateway().find(key=KEY, charge=asked.reference).status == "canceled"
    assert list(provider_ledger()) == []


def test_a_cancelled_key_opens_no_page():
    gateway().cancel(key=KEY)
    assert hold(token=HOSTED_PAGE).status == "canceled"


def test_a_page_cannot_be_used_for_another_amount_or_card():
    hold(token=HOSTED_PAGE)
    with pytest.raises(KeyReused):
        hold(token=HOSTED_PAGE, amount=TEN)
    with pytest.raises(KeyReused):
        hold()


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
    assert gateway().find(key=KEY) is None
    made = charge(token=token)
    assert gateway().find(key=KEY) == made


def test_of_several_each_is_charged_and_answered_under_its_key():
    tokens = {"capture:a": "pm_card_visa", "capture:b": DECLINED, "capture:c": "pm_card_visa"}
    asked = [ChargeRequest(key, FIFTY, token, uuid7()) for key, token in tokens.items()]
    charges = gateway().authorise_many(asked)

    assert {key: made.status for key, made in charges.items()} == {
        "capture:a": "requires_capture",
        "capture:b": "requires_payment_method",
        "capture:c": "requires_capture",
    }
    assert charges == {key: gateway().find(key=key) for key in tokens}


def test_nothing_is_made_of_no_requests():
    assert gateway().authorise_many([]) == gateway().cancel_many([]) == {}


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
    assert [gateway().cancel(key=KEY).status for _ in range(2)] == ["canceled", "canceled"]
    assert charge().status == "canceled"
    assert gateway().find(key=KEY).status == "canceled"
    assert list(provider_ledger()) == []


@pytest.mark.parametrize("token", ["pm_card_visa", POOR])
def test_a_charge_that_came_first_stays_as_it_is(token):
    made = charge(token=token)
    assert gateway().cancel(key=KEY) == made
    assert charge(token=token) == made


def test_several_are_cancelled_and_those_unheard_of_in_advance(backstage):
    held, asked = hold("capture:a"), hold("capture:b", token=CONFIRM_FIRST)
    requests = [CancelRequest("capture:a", held.reference), CancelRequest("capture:b", asked.reference)]
    cancelled = gateway().cancel_many([*requests, CancelRequest("capture:c")])

    assert {key: one.status for key, one in cancelled.items()} == dict.fromkeys(
        ["capture:a", "capture:b", "capture:c"], "canceled"
    )
    assert cancelled == cancel_many("capture:a", "capture:b", "capture:c")
    assert cancelled == {key: gateway().find(key=key) for key in cancelled}
    backstage.customer_answers(asked, confirms=True)
    assert hold("capture:c").status == "canceled"
    assert list(provider_ledger()) == []


def test_what_is_captured_or_declined_stays_so_when_others_are_cancelled():
    hold("capture:a")
    made = {"capture:b": charge("capture:b"), "capture:c": charge("capture:c", token=DECLINED)}
    cancelled = cancel_many("capture:a", "capture:b", "capture:c")

    assert cancelled.pop("capture:a").status == "canceled"
    assert cancelled.items() <= made.items()
    assert {key: gateway().find(key=key) for key in made} == made
    assert list(provider_ledger()) == [LedgerLine("capture:b", Decimal(50), Decimal(0), "EUR")]


@pytest.mark.django_db(transaction=True)
def test_charge_and_cancellation_at_once_agree():
    with ThreadPoolExecutor(2) as workers:
        answers = set(workers.map(_answer, [hold, lambda: gateway().cancel(key=KEY)]))
    assert "canceled" in answers
    assert answers <= {"requires_capture", "canceled"}
    assert list(provider_ledger()) == []


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


# --- Disputes --------------------------------------------------------------------------------


def disputes_of(made: Charge):
    return [(one.status, one.amount) for one in gateway().find_disputes(charge=made.reference)]


def test_a_dispute_is_found_as_it_stands_and_what_is_disputed_is_not_given_back(backstage):
    made = charge()
    assert disputes_of(made) == []
    backstage.dispute(made)

    assert disputes_of(made) == [("needs_response", FIFTY)]
    refused = refund(made)
    assert (refused.status, refused.code) == ("failed", "charge_disputed")
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(50), Decimal(0), "EUR")]


def test_a_dispute_that_is_lost_has_given_the_money_back(backstage):
    made = charge()
    backstage.dispute(made)
    backstage.decide_dispute(made, won=False)

    assert disputes_of(made) == [("lost", FIFTY)]
    given = gateway().find_refunds(charge=made.reference)
    assert [(one.amount, one.status) for one in given] == [(FIFTY, "succeeded")]
    assert list(provider_ledger()) == [LedgerLine(KEY, Decimal(50), Decimal(50), "EUR")]


def test_a_dispute_that_is_won_leaves_the_money_which_can_be_given_back(backstage):
    made = charge()
    backstage.dispute(made)
    backstage.decide_dispute(made, won=True)

    assert disputes_of(made) == [("won", FIFTY)]
    assert gateway().find_refunds(charge=made.reference) == []
    assert refund(made).status == "succeeded"


# --- Both ------------------------------------------------------------------------------------


def test_customers_are_forgotten_and_the_books_stay():
    charge()
    forget_charges([KEY, "capture:unknown"])
    forget_charges([KEY])
    assert [line.captured for line in provider_ledger()] == [50]


@pytest.mark.parametrize(
    "call",
    [
        lambda g: g.authorise(key="k", amount=TEN, token="pm_card_visa", order_id=ORDER),
        lambda g: g.authorise_many([ChargeRequest("k", TEN, "pm_card_visa", ORDER)]),
        lambda g: g.capture(key="k", charge="pi_1", amount=TEN),
        lambda g: g.capture_many([CaptureRequest("k", "pi_1", TEN)]),
        lambda g: g.find(key="k"),
        lambda g: g.cancel(key="k"),
        lambda g: g.cancel_many([CancelRequest("k")]),
        lambda g: g.refund(key="k", charge="pi_1", amount=TEN),
        lambda g: g.find_refund(key="k", charge="pi_1"),
        lambda g: g.find_refunds(charge="pi_1"),
        lambda g: g.find_disputes(charge="pi_1"),
    ],
)
def test_no_call_is_made_inside_a_transaction(call):
    outside = gateway()
    with transaction.atomic(), pytest.raises(InsideTransaction):
        call(outside)
