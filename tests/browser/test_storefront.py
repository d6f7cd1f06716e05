"""A customer buys in a real browser and follows the live updates of the order."""

import re
from collections.abc import Iterator
from decimal import Decimal
from threading import Event, Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection

from inventory import services as inventory
from tests.support.inprocess import deliver_all, fire_reminders
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def ada(transactional_db) -> User:
    return User.objects.create_user("ada", "ada@example.com", "correct horse")


@pytest.fixture
def catalogue(transactional_db) -> None:
    inventory.add_category(slug="tea", name="For tea")
    inventory.add_product(sku="MUG", name="Blue mug", price=Decimal("12.90"), picture="☕", stock=10)
    inventory.add_product(
        sku="TEAPOT", name="Teapot", price=Decimal("24.95"), category="tea", picture="🫖", stock=5
    )


@pytest.fixture
def days_pass() -> Event:
    """Event that lets days pass for parcels, once the chain runs."""
    return Event()


@pytest.fixture
def workers(transactional_db, days_pass) -> Iterator[Event]:
    """Event that starts the chain in a background thread."""
    start, stop = Event(), Event()

    def work() -> None:
        start.wait()
        while not stop.wait(0.2):
            deliver_all()
            if days_pass.is_set():
                fire_reminders()
        connection.close()

    thread = Thread(target=work, daemon=True)
    thread.start()
    yield start
    stop.set()
    start.set()
    thread.join()


@pytest.fixture
def page(live_server, ada, catalogue, workers, open_browser, request):
    """Page of the shop in a browser, of desktop size by default."""
    return open_browser(base_url=live_server.url, viewport=getattr(request, "param", DESK), locale="en-GB")


def test_the_enter_key_places_the_order_and_does_not_ask_for_the_fields_of_a_country(page):
    fill_basket(page)
    log_in(page)
    fill_in_address(page)
    assert page.get_by_role("button", name="Show the fields of this country").count() == 0
    page.get_by_label("Street and number").press("Enter")
    page.wait_for_url("**/orders/ORD-*/")


def test_a_guest_follows_the_mailed_link_to_the_parcel_and_sends_one_piece_back(page, workers, days_pass):
    fill_basket(page)
    page.get_by_label("E-mail").fill("grace@example.com")
    check_out(page)
    workers.set()
    eventually(lambda: mail.outbox)
    page.context.clear_cookies()
    page.goto(re.search(r"/o/[^/\s]+/", mail.outbox[0].body)[0])
    page.get_by_role("heading", name="Your parcel is on its way").wait_for()
    days_pass.set()
    page.get_by_role("link", name="Send something back").click()
    page.get_by_label("Teapot").select_option("1")
    page.get_by_label("Why?").fill("One is enough")
    page.get_by_role("button", name="Ask to send it back").click()
    page.get_by_text("1 × Teapot").wait_for()


@pytest.mark.parametrize("page", [PHONE], ids=["phone"], indirect=True)
def test_an_order_moves_to_shipped_before_the_customers_eyes(page, workers):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    fill_basket(page)
    log_in(page)
    check_out(page)
    page.get_by_role("heading", name="Thank you, we have your order").wait_for()
    page.evaluate("window.notReloaded = true")
    workers.set()
    page.get_by_role("heading", name="Your parcel is on its way").wait_for()
    assert page.locator(".steps li.done .label").count() == 4
    assert page.get_by_text("The parcel was handed to the carrier").is_visible()
    assert page.get_by_role("link", name="Cancel the order").count() == 0
    assert page.locator("[data-announce]").text_content() == "Your parcel is on its way"
    assert page.evaluate("window.notReloaded") is True
    assert errors == []


def test_a_double_click_places_one_order(page):
    fill_basket(page)
    log_in(page)
    fill_in_address(page)
    page.get_by_role("button", name="Place the order").dblclick()
    page.wait_for_url("**/orders/ORD-*/")
    page.goto("/orders/")
    assert page.locator(".orders li").count() == 1


def test_the_list_of_a_category_is_usable_by_all(page):
    page.goto("/?sort=price")
    page.get_by_role("navigation", name="Categories").get_by_role("link", name="For tea").click()
    page.get_by_role("heading", name="For tea").wait_for()
    assert "sort=price" in page.url
    assert page.locator(".card .name").all_text_contents() == ["Teapot"]
    assert not Axe().run(page).response["violations"]
    page.emulate_media(color_scheme="dark")
    assert not Axe().run(page).response["violations"]


@pytest.mark.parametrize("page", [DESK, PHONE], ids=["desk", "phone"], indirect=True)
def test_no_page_is_wider_than_the_screen(page):
    fill_basket(page)
    assert_fits(
        page, "/", "/?category=tea", "/products/MUG/", "/basket/", "/accounts/login/", "/accounts/register/"
    )
    assert_fits(page, "/checkout/")
    log_in(page)
    assert_fits(page, "/checkout/")
    check_out(page)
    assert_fits(page, page.url, f"{page.url}cancel/", "/orders/", "/nowhere")


def fill_basket(page) -> None:
    """Add a mug from the catalogue and two teapots from the product page."""
    page.goto("/")
    page.get_by_role("button", name="Add Blue mug to the basket").click()
    page.get_by_role("link", name="Teapot").click()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to basket").click()
    page.get_by_text("Total €62.80").wait_for()
    page.get_by_role("link", name="Check out").click()


def log_in(page) -> None:
    """Log in on the way to the checkout, which guests may go on with."""
    page.get_by_role("link", name="Log in to order with it").click()
    page.get_by_label("E-mail or user name").fill("ada")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("main").get_by_role("button", name="Log in").click()


def fill_in_address(page) -> None:
    for label, text in (
        ("Name", "Ada Lovelace"),
        ("Street and number", "12 St James's Sq"),
        ("Postal code", "SW1Y 4JH"),
        ("City", "London"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Country").select_option(label="United Kingdom")
    page.get_by_label("Mastercard – is accepted").check()


def check_out(page) -> None:
    fill_in_address(page)
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url("**/orders/ORD-*/")


def assert_fits(page, *paths: str) -> None:
    for path in paths:
        page.goto(path)
        surplus = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert surplus <= 0, f"{path} is {surplus} pixels too wide"
