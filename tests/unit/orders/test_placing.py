"""Accepting orders: at the catalogue's prices, once per key, and with every problem named."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection

from inventory import queries as inventory_queries
from inventory import services as inventory
from orders import services
from orders.errors import IdempotencyKeyReused, InvalidOrder
from orders.events import Address, Customer, OrderCreated, PaymentMethod
from orders.models import Order, OrderLine
from shop.messaging.models import EventRecord, OutboxEntry, ScheduledMessage
from shop.privacy.payment_tokens import open_payment_methods
from shop.privacy.sealing import open_sealed
from tests.unit.orders.conftest import LONDON, TWO_TEAPOTS

pytestmark = pytest.mark.django_db


def test_an_order_is_accepted_at_the_catalogues_prices(place):
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    assert (order.total, order.currency, order.status) == (Decimal("138.90"), "EUR", "placed")
    assert list(OrderLine.objects.values_list("sku", "name", "quantity", "unit_price")) == [
        ("TEAPOT", "Teapot", 2, Decimal("24.95")),
        ("KETTLE", "Copper kettle", 1, Decimal("89.00")),
    ]


def test_an_accepted_order_is_what_is_stored(place):
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)], idempotency_key="k-1")
    for accepted in (order, *order.lines.all()):
        stored = type(accepted).objects.get(pk=accepted.pk)
        for field in accepted._meta.concrete_fields:
            assert getattr(accepted, field.attname) == getattr(stored, field.attname), field
        assert not accepted._state.adding


def test_names_of_products_are_kept_to_the_letter(place):
    name = 'Thé "Vert" \\ 茶 🍵 {1}, %s'
    inventory.add_product(sku="TEA-1", name=name, price=Decimal("0.01"))
    assert place(lines=[("TEA-1", 1)]).lines.get().name == name


def test_a_later_price_does_not_change_an_order(place):
    order = place()
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("99.00"))
    order.refresh_from_db()
    assert order.total == Decimal("49.90")
    assert order.lines.get().unit_price == Decimal("24.95")


def test_numbers_count_up_and_read_like_numbers(place):
    first, second = place(), place()
    assert second.serial == first.serial + 1 > 1001
    assert second.number == f"ORD-{second.serial}"


def test_the_others_hear_all_they_need_once(place, ada):
    order = place()
    record = EventRecord.objects.get()
    event = OrderCreated.model_validate(record.data)
    assert (event.number, event.customer_id, str(event.total)) == (order.number, ada.pk, "49.90 EUR")
    [customer], [method] = open_sealed([event], Customer), open_payment_methods([event], PaymentMethod)
    assert (customer.customer_name, customer.customer_email) == ("Ada Lovelace", "ada@example.com")
    assert (customer.ship_to, method.payment_method) == (LONDON, "pm_card_visa")
    assert [(line.sku, line.quantity, str(line.unit_price)) for line in event.lines] == [
        ("TEAPOT", 2, "24.95 EUR")
    ]


def test_a_customer_without_a_name_goes_by_the_login(place, bob):
    assert place(customer=bob).customer_name == "bob"


def test_a_customer_with_the_longest_name_can_order(place, bob):
    bob.first_name, bob.last_name = "B" * 150, "O" * 150
    assert place(customer=bob).customer_name == "B" * 150 + " " + "O" * 149


def test_an_unpaid_order_will_be_reminded_of(order, waits_for):
    assert waits_for(order) == "payment"


def test_placing_an_order_takes_few_statements(place, django_assert_num_queries):
    # Prices and keys; savepoint, all that is written, release. An Idempotency-Key costs a look more.
    with django_assert_num_queries(4):
        place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    with django_assert_num_queries(5):
        place(lines=[("TEAPOT", 2), ("KETTLE", 1)], idempotency_key="k-1")


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_an_order_is_two_statements_and_no_more(place):
    def run(execute, sql, *context):
        ran.append((sql.split()[0], connection.in_atomic_block))
        return execute(sql, *context)

    ran = []
    with connection.execute_wrapper(run):
        order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    assert ran == [("SELECT", False), ("WITH", False)]
    assert order.lines.count() == 2
    assert OutboxEntry.objects.count() == 1


#: The catalogue never has such a price; the order's own constraint refuses it.
PAID_BACK = inventory_queries.Price("TEAPOT", "Teapot", Decimal(-1), "EUR", active=True)


@pytest.mark.django_db(transaction=True)
def test_of_an_order_that_cannot_be_written_nothing_is_left(place, monkeypatch):
    monkeypatch.setattr(inventory_queries, "prices_of", lambda skus: dict.fromkeys(skus, PAID_BACK))
    with pytest.raises(IntegrityError, match=r"order_total_not_negative|orderline_price_not_negative"):
        place()
    for model in (Order, OrderLine, EventRecord, OutboxEntry, ScheduledMessage):
        assert not model.objects.exists(), model


# --- Idempotency ---


def test_the_same_key_and_request_is_one_order(place):
    first = place(idempotency_key="k-1")
    assert place(idempotency_key="k-1").pk == first.pk
    assert EventRecord.objects.count() == OutboxEntry.objects.count() == 1


def test_a_repeated_request_stands_even_if_the_product_is_gone(place):
    first = place(idempotency_key="k-1")
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), active=False)
    assert place(idempotency_key="k-1").pk == first.pk


@pytest.mark.parametrize(
    "change",
    [
        {"lines": [("TEAPOT", 3)]},
        {"payment_method": "pm_card_mastercard"},
        {"ship_to": LONDON.model_copy(update={"street": "13 St James's Sq"})},
    ],
)
def test_the_same_key_for_another_request_is_refused(place, change):
    place(idempotency_key="k-1")
    with pytest.raises(IdempotencyKeyReused, match="k-1 was used for a different order"):
        place(idempotency_key="k-1", **change)
    assert Order.objects.count() == 1


def test_a_key_belongs_to_its_customer(place, bob):
    assert place(idempotency_key="k-1").pk != place(idempotency_key="k-1", customer=bob).pk


def test_without_a_key_every_request_is_an_order(place):
    assert place().pk != place().pk


@pytest.mark.django_db(transaction=True)
def test_the_same_request_sent_ten_times_at_once_is_one_order():
    ada = User.objects.create_user("ada", "ada@example.com")
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), stock=100)
    line = threading.Barrier(10, timeout=30)

    def send(_):
        try:
            connection.ensure_connection()
            line.wait()
            return services.place_order(
                customer=ada,
                request=TWO_TEAPOTS,
                idempotency_key="k-1",
            ).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        assert len(set(threads.map(send, range(10)))) == 1
    assert Order.objects.count() == OrderLine.objects.count() == EventRecord.objects.count() == 1


# --- Refusals ---


def problems(place, **changes):
    with pytest.raises(InvalidOrder) as refusal:
        place(**changes)
    assert not Order.objects.exists()
    return [(problem.path, problem.code) for problem in refusal.value.problems]


def test_every_line_that_is_wrong_is_named(place):
    inventory.add_product(sku="OLD", name="Old pot", price=Decimal("1.00"), active=False)
    lines = [("TEAPOT", 1), ("GHOST", 1), ("OLD", 1)]
    assert problems(place, lines=lines) == [
        (("lines", 1, "sku"), "unknown_sku"),
        (("lines", 2, "sku"), "inactive_sku"),
    ]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], [(("lines",), "empty")]),
        ([("TEAPOT", 0)], [(("lines", 0, "quantity"), "quantity_out_of_range")]),
        ([("TEAPOT", 10_001)], [(("lines", 0, "quantity"), "quantity_out_of_range")]),
        ([("TEAPOT", 1), ("TEAPOT", 2)], [(("lines", 1, "sku"), "duplicate_sku")]),
    ],
)
def test_lines_that_make_no_sense_are_refused(place, lines, found):
    assert problems(place, lines=lines) == found


def test_an_order_that_is_too_long_is_refused(place, settings):
    settings.SHOP_MAX_ORDER_LINES = 1
    assert problems(place, lines=[("TEAPOT", 1), ("KETTLE", 1)]) == [(("lines",), "max_length")]


def test_an_order_in_two_currencies_is_refused(place):
    inventory.add_product(sku="MAPLE", name="Maple syrup", price=Decimal("9.00"), currency="CAD")
    assert problems(place, lines=[("TEAPOT", 1), ("MAPLE", 1)]) == [(("lines",), "mixed_currencies")]


def test_an_order_beyond_all_events_is_refused(place):
    for number in range(11):
        inventory.add_product(sku=f"MOON-{number}", name="A moon", price=Decimal("9999999999.99"))
    lines = [(f"MOON-{number}", 10_000) for number in range(11)]
    assert problems(place, lines=lines) == [(("lines",), "total_too_large")]


def test_a_total_may_have_more_digits_than_a_price(place):
    inventory.add_product(sku="MOON", name="The Moon", price=Decimal("9999999999.99"))
    order = place(lines=[("MOON", 10_000)])
    order.refresh_from_db()
    assert order.total == Decimal("99999999999900.00")
    assert EventRecord.objects.get().data["total"] == {"amount": "99999999999900.00", "currency": "EUR"}


@pytest.mark.parametrize(
    ("price", "currency", "total"),
    [("900", "JPY", "1800"), ("1.235", "KWD", "2.470"), ("0.0125", "CLF", "0.0250"), ("9.9", "EUR", "19.80")],
)
def test_an_order_is_placed_with_the_decimals_of_its_currency(place, price, currency, total):
    inventory.add_product(sku="SAKE", name="Sake", price=Decimal(price), currency=currency)
    order = place(lines=[("SAKE", 2)])
    order.refresh_from_db()
    assert order.total_text == f"{total} {currency}"
    assert EventRecord.objects.get().data["total"] == {"amount": total, "currency": currency}


@pytest.mark.parametrize(("price", "currency"), [("100.50", "JPY"), ("1.00", "XXX"), ("1.00", "BGN")])
def test_a_price_that_has_lost_its_currency_is_refused(place, monkeypatch, price, currency):
    offer = inventory_queries.Price("TEAPOT", "Teapot", Decimal(price), currency, active=True)
    monkeypatch.setattr(inventory_queries, "prices_of", lambda skus: dict.fromkeys(skus, offer))
    assert problems(place) == [(("lines", 0, "sku"), "invalid_price")]


def test_an_order_that_costs_nothing_is_accepted(place):
    inventory.add_product(sku="SAMPLE", name="Sample", price=Decimal(0))
    assert place(lines=[("SAMPLE", 1)]).total == 0
    assert place(lines=[("SAMPLE", 1), ("TEAPOT", 1)]).total == Decimal("24.95")


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [("country", "XX", "unknown_country"), ("street", "x" * 201, "length"), ("city", " ", "length")],
)
def test_an_address_that_no_parcel_reaches_is_refused(place, part, value, code):
    ship_to = Address(**LONDON.model_dump() | {part: value})
    assert problems(place, ship_to=ship_to) == [(("ship_to", part), code)]


@pytest.mark.parametrize(
    ("payment_method", "code"),
    [("", "length"), ("x" * 101, "length"), ("4242 4242 4242 4242", "card_number")],
)
def test_what_is_no_token_is_refused(place, payment_method, code):
    assert problems(place, payment_method=payment_method) == [(("payment_method",), code)]
