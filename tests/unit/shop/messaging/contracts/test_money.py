"""Money in events: the decimals of its currency, and old events that have others."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from payments.events import PaymentProcessed
from shop.ids import uuid7
from shop.messaging.contracts import Meta, Money, cloudevents

META_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("100.50", "JPY"), ("1.005", "EUR"), ("1.2345", "KWD"), ("1.00", "XXX"), ("1.00", "ZZZ"), ("1", "XAU")],
)
def test_money_that_no_currency_allows_is_refused(amount, currency):
    with pytest.raises(ValidationError, match="ISO 4217"):
        Money(amount=amount, currency=currency)
    with pytest.raises(ValidationError, match="ISO 4217"):
        PaymentProcessed(
            order_id=uuid7(), payment_id=uuid7(), amount={"amount": amount, "currency": currency}
        )


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("900", "JPY", "900"), ("49.9", "EUR", "49.90"), ("1.2", "KWD", "1.200"), ("0.5", "CLF", "0.5000")],
)
def test_money_is_written_with_the_decimals_of_its_currency(amount, currency, text):
    money = Money(amount=Decimal(amount), currency=currency)
    assert json.loads(money.model_dump_json()) == {"amount": text, "currency": currency}
    assert str(money) == f"{text} {currency}"
    assert Money.model_validate_json(money.model_dump_json()) == money


@pytest.mark.parametrize(("amount", "currency"), [("100.50", "JPY"), ("1.00", "XXX"), ("1.00", "BGN")])
def test_an_old_event_with_money_that_is_refused_today_stays_readable(amount, currency):
    good = PaymentProcessed(order_id=uuid7(), payment_id=uuid7(), amount=Money(amount="1", currency="EUR"))
    message = json.loads(cloudevents.encode(good.with_meta(Meta(uuid7(), META_TIME, uuid7()))))
    message["data"]["amount"] = {"amount": amount, "currency": currency}
    old = cloudevents.decode(message)
    assert old.amount.amount == Decimal(amount)
    again = json.loads(cloudevents.encode(old))["data"]["amount"]
    assert (Decimal(again["amount"]), again["currency"]) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "written",
    [
        {"amount": "1.00001", "currency": "EUR"},
        {"amount": "1" * 16, "currency": "EUR"},
        {"amount": "NaN", "currency": "EUR"},
        {"amount": "1\n", "currency": "eur"},
        {"amount": "1", "currency": "EURO"},
        {"amount": "1", "currency": "EUR\n"},
        {"amount": "1"},
        {"currency": "EUR"},
        "1 EUR",
    ],
)
def test_an_event_with_money_in_no_form_of_the_shop_stays_unreadable(written):
    with pytest.raises(ValidationError):
        Money.restore(written)


@pytest.mark.parametrize("amount", ["49.90", "-0.5", "0", "123456789012345.6789", 49, "1E+1"])
def test_money_is_read_as_it_was_written_in_whatever_form(amount):
    written = {"amount": amount, "currency": "EUR", "unknown": 1}
    assert Money.restore(written) == Money.model_construct(amount=Decimal(amount), currency="EUR")
    assert hash(Money.restore(written)) == hash(Money.stored(Decimal(amount), "EUR"))
