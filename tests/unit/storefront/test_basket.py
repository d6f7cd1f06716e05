"""Basket: adding and changing products, prices, limits."""

from decimal import Decimal

import pytest

from inventory import services as inventory
from tests.unit.storefront.conftest import put_into_basket, text_of

pytestmark = pytest.mark.django_db


def test_a_visitor_fills_the_basket(visitor):
    put_into_basket(visitor, "MUG", 2)
    put_into_basket(visitor, "TEAPOT")
    put_into_basket(visitor, "MUG")
    basket = visitor.get("/basket/").context["basket"]
    assert [(line.item.sku, line.quantity, line.amount) for line in basket.lines] == [
        ("MUG", 3, Decimal("38.70")),
        ("TEAPOT", 1, Decimal("24.95")),
    ]
    assert basket.totals == {"EUR": Decimal("63.65")}
    assert "Basket 4 in it" in text_of(visitor.get("/"))


def test_adding_stays_on_the_page_and_says_so(visitor):
    answer = visitor.post("/basket/add/", {"sku": "MUG", "quantity": 1, "next": "/?q=mug"}, follow=True)
    assert answer.redirect_chain == [("/?q=mug", 302)]
    assert "Blue mug is in your basket." in text_of(answer)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_adding_never_leads_to_another_site(visitor, elsewhere):
    answer = visitor.post("/basket/add/", {"sku": "MUG", "quantity": 1, "next": elsewhere})
    assert answer["Location"] == "/basket/"


@pytest.mark.parametrize(
    ("sku", "quantity", "says"),
    [
        ("PLANT", "1", "Rubber plant is sold out"),
        ("OLD", "1", "Old pot is sold out"),
        ("GHOST", "1", "choose a product and a quantity"),
        ("MUG", "0", "choose a product and a quantity"),
        ("MUG", "-1", "choose a product and a quantity"),
        ("MUG", "many", "choose a product and a quantity"),
    ],
)
def test_what_cannot_be_bought_does_not_get_in(visitor, sku, quantity, says):
    answer = visitor.post("/basket/add/", {"sku": sku, "quantity": quantity}, follow=True)
    assert says in text_of(answer)
    assert "There is nothing in it yet." in text_of(answer)


def test_quantities_change_and_products_go(visitor):
    put_into_basket(visitor, "MUG", 2)
    put_into_basket(visitor, "TEAPOT")
    visitor.post("/basket/change/", {"sku": "MUG", "quantity": 5})
    answer = visitor.post("/basket/change/", {"sku": "TEAPOT", "quantity": 0}, follow=True)
    assert [(line.item.sku, line.quantity) for line in answer.context["basket"].lines] == [("MUG", 5)]


def test_changing_what_is_not_in_it_puts_nothing_in(visitor):
    visitor.post("/basket/change/", {"sku": "MUG", "quantity": 5})
    assert visitor.get("/basket/").context["basket"].lines == []


def test_a_wrong_quantity_changes_nothing_and_says_what_to_do(visitor):
    put_into_basket(visitor, "MUG", 2)
    answer = visitor.post("/basket/change/", {"sku": "MUG", "quantity": "99999999"}, follow=True)
    assert "Enter a quantity from 1 to 10000" in text_of(answer)
    assert answer.context["basket"].lines[0].quantity == 2


def test_more_than_there_is_says_how_many_there_are(visitor):
    put_into_basket(visitor, "TEAPOT", 6)
    text = text_of(visitor.get("/basket/"))
    assert "Only 5 left: please take 5 or fewer." in text
    assert "Check out" not in text


def test_prices_in_the_basket_are_always_the_catalogues(visitor):
    put_into_basket(visitor, "MUG")
    inventory.add_product(sku="MUG", name="Blue mug", price=Decimal("14.90"))
    assert "Total €14.90" in text_of(visitor.get("/basket/"))


def test_what_is_sold_no_more_has_to_leave_the_basket(visitor):
    put_into_basket(visitor, "MUG")
    inventory.add_product(sku="MUG", name="Blue mug", price=Decimal("12.90"), active=False)
    assert "Not sold any more: please remove it." in text_of(visitor.get("/basket/"))


def test_a_basket_holds_as_many_products_as_an_order(visitor, settings):
    settings.SHOP_MAX_ORDER_LINES = 1
    put_into_basket(visitor, "MUG")
    answer = visitor.post("/basket/add/", {"sku": "TEAPOT", "quantity": 1}, follow=True)
    assert "A basket holds no more different products" in text_of(answer)
    assert [line.item.sku for line in answer.context["basket"].lines] == ["MUG"]


def test_the_basket_page_takes_as_many_queries_however_full_it_is(visitor, django_assert_num_queries):
    for sku in ("MUG", "TEAPOT"):
        put_into_basket(visitor, sku)
    with django_assert_num_queries(2):  # session, products
        visitor.get("/basket/")


@pytest.mark.parametrize("path", ["/basket/add/", "/basket/change/"])
def test_the_basket_is_never_changed_by_a_link(visitor, path):
    assert visitor.get(path).status_code == 405
