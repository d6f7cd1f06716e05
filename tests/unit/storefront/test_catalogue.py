"""Catalogue: list, search, product page, pictures, countries."""

from decimal import Decimal

import pytest

from inventory import services as inventory
from orders.countries import COUNTRIES
from storefront.countries import choices
from storefront.pages import catalogue as catalogue_page
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db


def test_everybody_sees_what_can_be_bought_and_what_is_sold_out(visitor):
    text = text_of(visitor.get("/"))
    assert "Blue mug €12.90 Add" in text
    assert "Rubber plant €18.00 Sold out" in text
    assert "Old pot" not in text


def test_a_search_finds_products_by_any_word(visitor):
    text = text_of(visitor.get("/", {"q": "blue MUG"}))
    assert "Blue mug" in text
    assert "Teapot" not in text


@pytest.mark.parametrize("search", ["zebra", "<script>alert(1)</script>", "'; --", "%"])
def test_a_search_without_result_says_what_to_do(visitor, search):
    answer = visitor.get("/", {"q": search})
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content
    if search.strip("%"):
        assert "Try fewer or other words." in text_of(answer)


def test_a_long_catalogue_comes_page_by_page(visitor, monkeypatch):
    monkeypatch.setattr(catalogue_page, "PAGE_SIZE", 2)
    first = visitor.get("/")
    assert [product.sku for product in first.context["products"]] == ["MUG", "PLANT"]
    second = visitor.get("/", {"after": first.context["more_after"]})
    assert [product.sku for product in second.context["products"]] == ["TEAPOT"]
    assert second.context["more_after"] == ""


def test_an_empty_catalogue_says_so(db, client):
    assert "There is nothing to buy yet" in text_of(client.get("/"))


def test_a_product_has_a_page(visitor):
    text = text_of(visitor.get("/products/TEAPOT/"))
    assert "Teapot €24.95 Only 5 left" in text


def test_what_can_be_ordered_ahead_is_sold_though_there_is_none(visitor):
    inventory.add_product(sku="PLANT", name="Rubber plant", price=Decimal("18.00"), backorderable=True)
    assert "Rubber plant €18.00 Add" in text_of(visitor.get("/"))
    page = text_of(visitor.get("/products/PLANT/"))
    assert "Not in stock: we send it once it has come in" in page
    assert "Add to basket" in page
    basket = text_of(visitor.post("/basket/add/", {"sku": "PLANT", "quantity": 2}, follow=True))
    assert "Some of it has to come in first" in basket
    assert "Sold out" not in basket


@pytest.mark.parametrize(("sku", "says"), [("PLANT", "Sold out"), ("OLD", "Not sold any more")])
def test_what_cannot_be_bought_has_a_page_that_says_so(visitor, sku, says):
    text = text_of(visitor.get(f"/products/{sku}/"))
    assert says in text
    assert "Add to basket" not in text


@pytest.mark.parametrize("path", ["/products/GHOST/", "/products/..%2F/", "/nowhere"])
def test_what_does_not_exist_is_not_found_in_the_shops_own_words(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)


@pytest.mark.parametrize(
    ("picture", "shown"),
    [
        ("☕", '<span class="picture" data-letter="B" aria-hidden="true">☕</span>'),
        ("https://img.example/a.png", '<img class="picture" src="https://img.example/a.png"'),
        ('https://x/" onerror="alert(1)', "&quot; onerror=&quot;"),
        ("", '<span class="picture letter" aria-hidden="true">B</span>'),
    ],
)
def test_a_picture_is_an_emoji_or_an_image_or_a_letter(visitor, picture, shown):
    inventory.add_product(sku="MUG", name="Blue mug", price=Decimal("12.90"), picture=picture)
    assert shown in visitor.get("/products/MUG/").content.decode()


def test_every_country_that_orders_go_to_can_be_chosen_by_name():
    assert {code for code, _ in choices()} == COUNTRIES
    assert all(len(name) > 2 for _, name in choices())
