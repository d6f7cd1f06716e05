"""Catalogue: list, search, product page, pictures, countries."""

import html
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test.utils import CaptureQueriesContext

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


@pytest.mark.parametrize(
    ("sort", "skus"),
    [
        ("name", ["MUG", "PLANT", "TEAPOT"]),
        ("price", ["MUG", "PLANT", "TEAPOT"]),
        ("-price", ["TEAPOT", "PLANT", "MUG"]),
        ("newest", ["PLANT", "TEAPOT", "MUG"]),
        ("nonsense", ["MUG", "PLANT", "TEAPOT"]),
    ],
)
def test_products_come_in_the_chosen_order_page_by_page(visitor, monkeypatch, sort, skus):
    monkeypatch.setattr(catalogue_page, "PAGE_SIZE", 1)
    path, seen = f"/?sort={sort}", []
    while path:
        page = visitor.get(path)
        seen += [product.sku for product in page.context["products"]]
        found = re.search(r'href="(\?[^"]+)" rel="next"', page.content.decode())
        path = f"/{html.unescape(found[1])}" if found else ""
    assert seen == skus


@pytest.mark.parametrize(
    ("asked", "skus"),
    [
        ({"lowest": "15"}, ["PLANT", "TEAPOT"]),
        ({"lowest": "15", "highest": "20"}, ["PLANT"]),
        ({"highest": "18.00"}, ["MUG", "PLANT"]),
        ({"in_stock": "on"}, ["MUG", "TEAPOT"]),
        ({"highest": "cheap"}, ["MUG", "PLANT", "TEAPOT"]),
        ({"lowest": "-1"}, ["MUG", "PLANT", "TEAPOT"]),
        ({"q": "pot", "lowest": "20"}, ["TEAPOT"]),
    ],
)
def test_products_are_filtered_by_price_and_stock(visitor, asked, skus):
    assert [product.sku for product in visitor.get("/", asked).context["products"]] == skus


def test_bounds_of_the_price_are_in_the_shops_currency(visitor):
    inventory.add_product(sku="VASE", name="Vase", price=Decimal(20), currency="JPY", stock=3)
    page = visitor.get("/", {"lowest": "15"})
    assert [product.sku for product in page.context["products"]] == ["PLANT", "TEAPOT"]
    assert "Price from (EUR)" in text_of(page)
    assert "VASE" in [product.sku for product in visitor.get("/", {"in_stock": "on"}).context["products"]]


@pytest.fixture
def categories(catalogue) -> None:
    inventory.add_category(slug="tea", name="Tea & more", position=1)
    inventory.add_category(slug="green", name="Plants", position=2)
    inventory.add_category(slug="none", name="Nothing in it", position=3)
    for sku, slug in (("MUG", "tea"), ("TEAPOT", "tea"), ("PLANT", "green")):
        inventory.change_offer(sku=sku, category=slug)


def links_to_categories(answer) -> dict[str, str]:
    nav = re.search(r'<nav class="categories".*?</nav>', answer.content.decode(), re.DOTALL)[0]
    return {
        html.unescape(name): html.unescape(url)
        for url, name in re.findall(r'href="([^"]*)"[^>]*>(.*?)<', nav)
    }


def test_a_visitor_walks_through_the_categories(categories, visitor):
    page = visitor.get("/")
    assert list(links_to_categories(page)) == ["All products", "Tea & more", "Plants"]
    page = visitor.get(f"/{links_to_categories(page)['Tea & more']}")
    assert [product.sku for product in page.context["products"]] == ["MUG", "TEAPOT"]
    assert "<h1>Tea &amp; more</h1>" in page.content.decode()
    assert re.search(r'aria-current="page">Tea &amp; more<', page.content.decode())
    page = visitor.get(f"/{links_to_categories(page)['All products']}")
    assert len(page.context["products"]) == 3


def test_a_category_and_the_filters_stay_together(categories, visitor, monkeypatch):
    monkeypatch.setattr(catalogue_page, "PAGE_SIZE", 1)
    asked = {"q": "e", "sort": "-price", "lowest": "5", "in_stock": "on"}
    page = visitor.get("/", {**asked, "after": "TEAPOT"})
    link = links_to_categories(page)["Tea & more"]
    assert dict(parse_qsl(link[1:])) == {**asked, "category": "tea"}
    page = visitor.get(f"/{link}")
    assert [product.sku for product in page.context["products"]] == ["TEAPOT"]
    assert dict(parse_qsl(page.context["same"])) == {**asked, "category": "tea"}
    browse, search = (form_named(page, name) for name in ("browse", "search"))
    assert browse == {"q": "e", "category": "tea"}
    assert search == {"category": "tea", "sort": "-price", "lowest": "5", "in_stock": "on"}


def form_named(answer, name: str) -> dict[str, str]:
    form = re.search(rf'<form class="{name}".*?</form>', answer.content.decode(), re.DOTALL)[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_an_unknown_category_is_not_found(categories, visitor):
    assert visitor.get("/", {"category": "cups"}).status_code == 404


def test_a_category_without_products_has_a_page_that_says_so(categories, visitor):
    assert "There is nothing to buy yet" in text_of(visitor.get("/", {"category": "none"}))


def test_a_product_leads_to_its_category(categories, visitor):
    assert 'href="/?category=green">Plants</a>' in visitor.get("/products/PLANT/").content.decode()


def test_the_list_takes_as_many_statements_however_many_categories_and_products(categories, visitor):
    visitor.get("/")
    with CaptureQueriesContext(connection) as few:
        visitor.get("/", {"category": "tea"})
    for number in range(10):
        inventory.add_category(slug=f"c{number}", name=f"Category {number}")
        inventory.add_product(sku=f"P{number}", name="Mug", price=Decimal(1), category=f"c{number}")
        inventory.add_product(sku=f"Q{number}", name="Cup", price=Decimal(1), category="tea")
    with CaptureQueriesContext(connection) as many:
        visitor.get("/", {"category": "tea"})
    assert len(many) == len(few)


def test_bounds_that_nothing_is_in_say_what_to_do(visitor):
    assert "Try wider ones." in text_of(visitor.get("/", {"lowest": "1000"}))


def test_the_list_shows_the_stock(visitor):
    text = text_of(visitor.get("/"))
    assert "Teapot €24.95 Add Only 5 left" in text
    assert "Blue mug €12.90 Add In stock" in text


def test_the_first_page_with_all_that_it_loads_is_small(visitor):
    for number in range(catalogue_page.PAGE_SIZE):
        inventory.add_category(slug=f"c{number}", name=f"Category {number}")
        inventory.add_product(
            sku=f"P{number}",
            name=f"Mug {number}",
            price=Decimal(1),
            picture="☕",
            stock=1,
            category=f"c{number}",
        )
    page = visitor.get("/").content
    loaded = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="(/static/[^"]+)"', page.decode())
    files = [Path(finders.find(path.removeprefix("/static/"))) for path in loaded]
    sizes = {file.name: file.stat().st_size for file in files}
    assert sizes.keys() == {"icon.svg", "shop.css", "shop.js"}
    assert len(page) + sum(sizes.values()) < 100_000


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
