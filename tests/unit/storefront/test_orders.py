"""Order pages of customers: progress, live updates, cancellation, access, list of orders."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from inventory import services as inventory
from orders import services
from orders.intake import OrderRequest
from orders.queries import Happening
from shipping.events import CancellationRejected
from shipping.services import track_parcels
from shop.ids import uuid7
from shop.messaging.publishing import publish, unit_of_work
from storefront.order_page import progress_steps
from storefront.pages import orders as pages
from tests.support.inprocess import deliver_all, fire_reminders
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def page_of(customer):
    return lambda order: text_of(customer.get(f"/orders/{order.summary.number}/"))


def steps(customer, order) -> list[tuple[str, str]]:
    answer = customer.get(f"/orders/{order.summary.number}/")
    return [(step.label, step.state) for step in answer.context["page"].steps]


# --- Progress ---


def test_a_new_order_says_what_happens_next(buy, page_of, customer):
    order = buy()
    text = page_of(order)
    assert "Thank you, we have your order We are arranging the payment." in text
    assert "2 × Blue mug €25.80 Total €25.80 Not charged yet" in text
    assert "12 St James's Sq SW1Y 4JH London United Kingdom" in text
    assert steps(customer, order) == [
        ("Placed", "done"),
        ("Paid", "now"),
        ("In fulfilment", "todo"),
        ("Shipped", "todo"),
        ("Delivered", "todo"),
    ]


def test_a_shipped_order_shows_payment_parcel_and_history(buy, page_of, customer):
    order = buy()
    deliver_all()
    text = page_of(order)
    assert "Your parcel is on its way" in text
    assert "Paid with Visa" in text
    assert "The parcel was handed to the carrier" in text
    assert customer.get(f"/orders/{order.summary.number}/").context["page"].parcel.tracking_number in text
    assert "Cancel the order" not in text
    assert steps(customer, order)[3:] == [("Shipped", "done"), ("Delivered", "now")]


@pytest.mark.django_db(transaction=True)  # time passes for the parcel
def test_a_delivered_order_shows_where_the_parcel_was_and_rests(buy, page_of, customer):
    order = buy()
    deliver_all()
    for _ in range(4):
        fire_reminders()
    text = page_of(order)
    assert "Your parcel has been delivered" in text
    assert "On its way" in text
    assert "Out for delivery" in text
    assert {state for _, state in steps(customer, order)} == {"done"}
    assert 'data-poll-interval="0"' in customer.get(f"/orders/{order.summary.number}/").content.decode()


def test_a_declined_card_is_told_with_its_remedy(buy, page_of, customer):
    order = buy(payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
    deliver_all()
    text = page_of(order)
    assert "Your card has insufficient funds. Nothing was charged. We keep it until" in text
    assert "Pay by other means" in text
    assert steps(customer, order)[:2] == [("Placed", "done"), ("Paid", "now")]


def test_what_was_missing_is_named_and_nothing_was_charged(buy, page_of):
    order = buy("TEAPOT", 5)
    inventory.adjust_stock(sku="TEAPOT", quantity=-1, reason="Broken")
    deliver_all()
    text = page_of(order)
    assert "we have not enough left of what you ordered: Teapot." in text
    assert "Nothing was charged" in text


def test_an_order_held_up_says_why_and_keeps_looking_slowly(buy, page_of, customer, settings):
    settings.SHOP_CAPTURE = "placed"
    order = buy(payment_method="pm_card_refundFail", street="EZ6000000006 Lane")
    deliver_all()
    text = page_of(order)
    assert "We are looking into your order" in text
    assert "we see to it that you get your money" in text
    assert "A refund did not succeed" in text
    assert "The carrier did not take the parcel." in text
    assert steps(customer, order)[-1] == ("Needs attention", "held")
    assert 'data-poll-interval="15000"' in customer.get(f"/orders/{order.summary.number}/").content.decode()


def test_a_pending_refund_is_not_called_refunded(buy, page_of, settings):
    settings.SHOP_CAPTURE = "placed"
    order = buy(payment_method="pm_card_pendingRefund", street="EZ6000000006 Lane")
    deliver_all()
    text = page_of(order)
    assert "A refund is on its way" in text
    assert "The money was refunded" not in text


@pytest.mark.parametrize("status", ["placed", "paid", "in_fulfilment", "shipped", "delivered"])
def test_every_step_up_to_the_status_is_done_whatever_order_the_events_came_in(status):
    late = [Happening("OrderShipped", "", datetime(2026, 1, 1, tzinfo=UTC))]
    states = [step.state for step in progress_steps(status, late)]
    done = ["placed", "paid", "in_fulfilment", "shipped", "delivered"].index(status) + 1
    assert states == (["done"] * done + ["now"] + ["todo"] * 5)[:5]


def test_an_order_whose_goods_have_to_come_in_says_so_and_goes_on_when_they_have(buy, page_of, customer):
    inventory.add_product(sku="TEAPOT", name="Teapot", price=Decimal("24.95"), backorderable=True)
    order = buy("TEAPOT", 6)
    deliver_all()
    assert "Some of it has to come in first." in page_of(order)
    assert steps(customer, order)[1:3] == [("Paid", "done"), ("In fulfilment", "now")]
    assert 'data-poll-interval="15000"' in customer.get(f"/orders/{order.summary.number}/").content.decode()
    inventory.adjust_stock(sku="TEAPOT", quantity=1, reason="Found")
    deliver_all()
    assert "Your parcel is on its way" in page_of(order)


# --- Live updates ---


def test_the_page_asks_for_changes_and_gets_none_while_nothing_changes(buy, customer):
    url = f"/orders/{buy().summary.number}/live/"
    first = customer.get(url)
    assert (first.status_code, first["ETag"] != "") == (200, True)
    again = customer.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    deliver_all()
    changed = customer.get(url, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert "Your parcel is on its way" in text_of(changed)


def test_what_the_page_gets_is_what_it_shows(buy, customer):
    url = f"/orders/{buy().summary.number}/"
    assert customer.get(f"{url}live/").content in customer.get(url).content


def test_a_look_takes_few_queries(buy, customer, django_assert_max_num_queries):
    url = f"/orders/{buy(quantity=3).summary.number}/live/"
    deliver_all()
    with django_assert_max_num_queries(10):
        customer.get(url)


# --- Cancellation ---


def test_cancelling_asks_first_and_then_cancels(buy, customer, page_of):
    order = buy()
    url = f"/orders/{order.summary.number}/cancel/"
    assert "This cannot be taken back." in text_of(customer.get(url))
    answer = customer.post(url, follow=True)
    assert "Your order is being cancelled" in text_of(answer)
    assert steps(customer, order) == [("Placed", "done"), ("Being cancelled", "now")]
    deliver_all()
    text = page_of(order)
    assert "Your order was cancelled You cancelled it." in text
    assert "Put it into the basket again" in text


def test_cancelling_twice_does_no_harm(buy, customer):
    url = f"/orders/{buy().summary.number}/cancel/"
    customer.post(url)
    answer = customer.post(url, follow=True)
    assert "too late" not in text_of(answer)
    assert "Your order is being cancelled" in text_of(customer.get(url, follow=True))


@pytest.mark.parametrize("method", ["get", "post"])
def test_cancelling_after_the_parcel_left_is_refused_in_words(buy, customer, method):
    order = buy()
    deliver_all()
    answer = getattr(customer, method)(f"/orders/{order.summary.number}/cancel/", follow=True)
    number = order.summary.number
    assert f"It is too late to cancel {number}: the parcel has left." in text_of(answer)
    assert "Your parcel is on its way" in text_of(answer)


def test_a_cancellation_that_lost_the_race_is_explained(buy, page_of):
    order = buy()
    deliver_all()
    with unit_of_work():
        publish(CancellationRejected(order_id=order.summary.id, reason="customer"))
    assert "You wanted to cancel, but the parcel had left already." in page_of(order)


def test_a_cancelled_order_goes_back_into_the_basket(buy, customer):
    order = buy(payment_method="pm_card_visa_chargeDeclined")
    deliver_all()
    answer = customer.post(f"/orders/{order.summary.number}/again/", follow=True)
    assert answer.redirect_chain == [("/basket/", 302)]
    assert [(line.item.sku, line.quantity) for line in answer.context["basket"].lines] == [("MUG", 2)]


# --- Access ---


@pytest.mark.parametrize("page", ["", "live/", "cancel/"])
def test_the_orders_of_others_do_not_exist(buy, bob, page):
    url = f"/orders/{buy().summary.number}/{page}"
    others = Client()
    others.force_login(bob)
    assert others.get(url).status_code == 404
    assert Client().get(url)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("page", ["cancel/", "again/"])
def test_nobody_touches_the_orders_of_others(buy, bob, customer, page):
    order = buy()
    others = Client()
    others.force_login(bob)
    assert others.post(f"/orders/{order.summary.number}/{page}").status_code == 404
    assert "Cancel the order" in text_of(customer.get(f"/orders/{order.summary.number}/"))


@pytest.mark.parametrize("number", ["ORD-0", "ORD-999999999999999999", "ORD-x", "1042"])
def test_an_unknown_number_is_not_found(customer, number):
    assert customer.get(f"/orders/{number}/").status_code == 404


def test_an_order_is_found_by_its_id_too(buy, customer, bob):
    order = buy()
    answer = customer.get(f"/orders/{order.summary.id}/")
    assert answer["Location"] == f"/orders/{order.summary.number}/"
    assert customer.get(f"/orders/{uuid7()}/").status_code == 404


# --- List of orders ---


def test_my_orders_come_page_by_page_newest_first(buy, customer, bob, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    first, second, third = buy(), buy(), buy()
    request = OrderRequest(lines=[("MUG", 1)], ship_to=first.ship_to, payment_method="pm_card_visa")
    services.place_order(customer=bob, request=request)
    latest = customer.get("/orders/")
    assert [order.id for order in latest.context["orders"]] == [third.summary.id, second.summary.id]
    earlier = customer.get("/orders/", {"before": latest.context["more_before"]})
    assert [order.id for order in earlier.context["orders"]] == [first.summary.id]
    assert earlier.context["more_before"] is None


def test_a_customer_without_orders_is_led_to_the_products(customer):
    assert "You have not ordered anything yet." in text_of(customer.get("/orders/"))


def test_a_senseless_page_is_the_first(buy, customer):
    buy()
    assert len(customer.get("/orders/", {"before": "yesterday"}).context["orders"]) == 1


# --- Parcels that come back ---


@pytest.fixture
def returned(buy):
    """An order whose parcel comes back, before orders has heard of it."""
    order = buy(street="EZ5000000005 Road 1")
    deliver_all()
    for _ in range(4):
        track_parcels(looks={order.summary.id: 0})
    return order


@pytest.mark.django_db(transaction=True)  # the carrier is called outside of transactions
@pytest.mark.parametrize("stage", ["at the carrier", "known to all", "settled"])
def test_a_page_does_not_say_on_its_way_above_on_its_way_back(returned, page_of, customer, stage):
    if stage != "at the carrier":
        deliver_all()
    if stage == "settled":
        services.settle_order(order_id=returned.summary.id, reason="Mrs L. got another one")
    text = page_of(returned)
    assert "On its way back to us" in text
    assert "Your parcel is on its way" not in text
    headline = "Your order is closed" if stage == "settled" else "We are looking into your order"
    assert headline in text
    assert ("The carrier could not deliver your parcel" in text) is (stage != "settled")
    assert "Mrs L." not in text
    last = ("Closed", "stopped") if stage == "settled" else ("Needs attention", "held")
    assert steps(customer, returned)[-1] == last
