"""Checkout: a basket becomes one order."""

from decimal import Decimal

import pytest

from inventory import services as inventory
from orders import queries as orders
from storefront.test_cards import CARDS
from tests.unit.storefront.conftest import (
    LONDON,
    filled_form,
    order_at,
    order_ids,
    put_into_basket,
    text_of,
)

pytestmark = pytest.mark.django_db

LONDON_IN_FULL = {**LONDON, "second_line": "", "region": "", "phone": ""}


def test_an_order_is_placed_and_its_page_is_shown_at_once(customer, ada):
    put_into_basket(customer, "MUG", 2)
    put_into_basket(customer, "TEAPOT")
    answer = customer.post("/checkout/", filled_form(customer))
    placed = order_at(answer["Location"])
    assert answer["Location"] == f"/orders/{placed.summary.number}/"
    assert [(line.sku, line.quantity) for line in placed.lines] == [("MUG", 2), ("TEAPOT", 1)]
    assert (placed.summary.total, placed.summary.customer_id) == (Decimal("50.75"), ada.pk)
    assert (placed.ship_to.model_dump(), placed.payment_method) == (LONDON_IN_FULL, "pm_card_visa")
    assert customer.get("/basket/").context["basket"].lines == []


def test_a_form_sent_twice_places_one_order(customer, ada):
    put_into_basket(customer, "MUG")
    form = filled_form(customer)
    first, second = customer.post("/checkout/", form), customer.post("/checkout/", form)
    assert first["Location"] == second["Location"]
    assert len(order_ids(ada)) == 1


def test_a_form_sent_again_with_another_address_places_no_second_order(customer, ada):
    put_into_basket(customer, "MUG")
    form = filled_form(customer)
    first = customer.post("/checkout/", form)
    second = customer.post("/checkout/", {**form, "street": "1 Other Street"})
    assert first["Location"] == second["Location"]
    assert len(order_ids(ada)) == 1


def test_an_old_form_leaves_a_basket_filled_since_alone(customer):
    put_into_basket(customer, "MUG")
    form = filled_form(customer)
    customer.post("/checkout/", form)
    put_into_basket(customer, "TEAPOT")
    answer = customer.post("/checkout/", form, follow=True)
    assert "What is in your basket now is not part of it." in text_of(answer)
    assert [line.item.sku for line in customer.get("/basket/").context["basket"].lines] == ["TEAPOT"]


def test_two_baskets_are_two_orders(buy, ada):
    assert buy().summary.id != buy().summary.id
    assert len(order_ids(ada)) == 2


def test_nobody_pays_a_price_they_have_not_seen(customer, ada):
    put_into_basket(customer, "MUG")
    form = filled_form(customer)
    inventory.add_product(sku="MUG", name="Blue mug", price=Decimal("99.00"))
    answer = customer.post("/checkout/", form)
    assert answer.status_code == 422
    assert "a price has changed: look at the total again" in text_of(answer)
    assert order_ids(ada) == []
    customer.post("/checkout/", filled_form(customer))
    assert len(order_ids(ada)) == 1


def test_a_basket_changed_in_another_tab_is_shown_again_first(customer, ada):
    put_into_basket(customer, "MUG")
    form = filled_form(customer)
    put_into_basket(customer, "TEAPOT")
    assert customer.post("/checkout/", form).status_code == 422
    assert order_ids(ada) == []


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", " ", "Say who the parcel is for."),
        ("street", "", "Say the street and number."),
        ("street", "x" * 201, "at most 200 characters"),
        ("city", "", "Say the city."),
        ("postal_code", "", "Say the postal code."),
        ("country", "", "Choose the country."),
        ("country", "XX", "Choose a country of the list."),
        ("payment_method", "", "Choose a card."),
        ("payment_method", "4242424242424242", "Choose a card of the list."),
        ("idempotency_key", "", "This page is out of date"),
        ("seen", "", "look at the total again"),
    ],
)
def test_a_wrong_detail_is_refused_next_to_its_field_and_the_rest_kept(customer, ada, field, value, says):
    put_into_basket(customer, "MUG")
    answer = customer.post("/checkout/", filled_form(customer, **{field: value}))
    assert answer.status_code == 422
    assert says in text_of(answer)
    if field in LONDON:
        page = answer.content.decode()
        assert f'id="id_{field}_error"' in page
        assert 'aria-invalid="true"' in page
    assert order_ids(ada) == []


def test_an_empty_basket_cannot_be_ordered(customer):
    answer = customer.get("/checkout/", follow=True)
    assert answer.redirect_chain == [("/basket/", 302)]
    assert "Your basket is empty" in text_of(answer)


def test_what_was_sold_out_meanwhile_leads_back_to_the_basket(customer, ada):
    put_into_basket(customer, "TEAPOT", 2)
    form = filled_form(customer)
    inventory.adjust_stock(sku="TEAPOT", quantity=-5, reason="Broken")
    answer = customer.post("/checkout/", form, follow=True)
    assert answer.redirect_chain == [("/basket/", 302)]
    assert "Sold out for now: please remove it." in text_of(answer)
    assert order_ids(ada) == []


def test_what_orders_refuses_is_told(customer):
    inventory.add_product(sku="SAKE", name="Sake", price=Decimal("900"), currency="JPY", stock=5)
    put_into_basket(customer, "MUG")
    put_into_basket(customer, "SAKE")
    answer = customer.post("/checkout/", filled_form(customer))
    assert answer.status_code == 422
    assert "place one order per currency" in text_of(answer)
    assert "€12.90 and JPY 900" in text_of(answer).replace("\N{NO-BREAK SPACE}", " ")


def test_the_form_knows_the_name_and_the_last_address(customer, buy):
    put_into_basket(customer, "MUG")
    assert 'value="Ada Lovelace"' in customer.get("/checkout/").content.decode()
    buy(street="7 Elm Street", country="DE")
    put_into_basket(customer, "MUG")
    page = customer.get("/checkout/").content.decode()
    assert 'value="7 Elm Street"' in page
    assert '<option value="DE" selected>Germany</option>' in page


def test_visitors_may_log_in_before_they_order_and_come_back(visitor):
    put_into_basket(visitor, "MUG")
    assert 'href="/accounts/login/?next=/checkout/"' in visitor.get("/checkout/").content.decode()


@pytest.mark.parametrize("card", CARDS)
def test_every_card_can_be_chosen(buy, card):
    assert orders.order(buy(payment_method=card).summary.id).payment_method == card


def test_the_checkout_refuses_with_a_page_and_keeps_the_basket(customer, ada, buy, settings):
    settings.SHOP_ORDERS_A_MINUTE = 1
    buy()
    put_into_basket(customer, "TEAPOT")
    refused = customer.post("/checkout/", filled_form(customer))
    assert refused.status_code == 429
    assert 50 < int(refused["Retry-After"]) <= 60
    assert f"{refused['Retry-After']} seconds" in refused.content.decode()
    assert "Teapot" in customer.get("/basket/").content.decode()
    assert len(order_ids(ada)) == 1
