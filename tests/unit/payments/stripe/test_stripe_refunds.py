"""Refunds and books at Stripe."""

from decimal import Decimal

import pytest

from payments.gateway import forget_charges, gateway, provider_ledger
from shop.ids import uuid7
from shop.messaging.contracts import Money

pytestmark = pytest.mark.django_db

FIFTY = Money(amount="50.00", currency="EUR")


def charge(order_id=None, token="pm_card_visa"):  # noqa: S107
    order_id = order_id or uuid7()
    held = gateway().authorise(key=f"capture:{order_id}", amount=FIFTY, token=token, order_id=order_id)
    return gateway().capture(key=f"capture:{order_id}:capture", charge=held.reference, amount=FIFTY)


def refund(made, amount=FIFTY):
    return gateway().refund(key="refund:1", charge=made.reference, amount=amount)


def find_refund(made):
    return gateway().find_refund(key="refund:1", charge=made.reference)


def test_a_refund_whose_key_stripe_has_forgotten_is_not_made_again(stripe_api):
    made = charge()
    given = refund(made, Money(amount="10.00", currency="EUR"))
    stripe_api.forget_keys()
    assert refund(made, Money(amount="10.00", currency="EUR")) == given
    assert len(stripe_api.account.refunds) == 1


def test_a_pending_refund_is_found_done_later(stripe_api):
    made = charge(token="pm_card_pendingRefund")
    pending = refund(made)
    stripe_api.account.complete_refund(pending.reference)
    assert [find_refund(made).status, refund(made).status] == ["succeeded", "succeeded"]


def test_a_refund_that_fails_later_has_its_reason_and_leaves_the_books(stripe_api):
    made = charge()
    stripe_api.account.fail_refund(refund(made).reference, "lost_or_stolen_card")

    assert (find_refund(made).status, find_refund(made).code) == ("failed", "lost_or_stolen_card")
    assert [line.refunded for line in provider_ledger()] == [0]


def test_the_books_are_read_page_by_page_and_without_what_others_charge(stripe_api):
    account, order_id = stripe_api.account, uuid7()
    for number in range(130):
        params = {"amount": "5000", "currency": "eur", "payment_method": "pm_card_visa"}
        metadata = {"shop_key": f"capture:{number}"} if number != 7 else {}
        account.confirm_intent(account.create_intent(params | {"metadata": metadata})["id"], {})
    made, held = charge(order_id), uuid7()
    gateway().authorise(key=f"capture:{held}", amount=FIFTY, token="pm_card_visa", order_id=held)
    for _ in range(12):  # more than a charge shows by itself
        account.refund_in_dashboard(made.reference, 100)

    books = {line.key: line for line in provider_ledger()}
    assert len(books) == 131
    assert (books[f"capture:{held}"].held, books[f"capture:{held}"].captured) == (50, 0)
    assert "capture:7" not in books
    assert books[f"capture:{order_id}"].refunded == Decimal(12)
    assert len(stripe_api.calls("GET /v1/charges")) == 2


def test_what_somebody_wrote_about_a_customer_is_erased(stripe_api):
    order_id = uuid7()
    intent = stripe_api.account.intents[charge(order_id).reference]
    intent |= {
        "description": "Ada's teapots",
        "receipt_email": "ada@example.com",
        "shipping": {"name": "Ada"},
    }
    forget_charges([f"capture:{order_id}"])
    assert [intent["description"], intent["receipt_email"], intent["shipping"]] == [None, None, None]
