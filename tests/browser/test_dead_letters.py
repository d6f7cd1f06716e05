"""An operator replays, edits and discards dead letters in a real browser."""

import pytest
from django.contrib.auth.models import User

from shop.messaging.models import DeadLetter
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/messaging/deadletter/"


@pytest.fixture
def letters(transactional_db) -> list[DeadLetter]:
    User.objects.create_superuser("olga", "olga@example.com", "correct horse")
    return [died(error=ValueError("odd")), died(error=ValueError("odd")), died(error=KeyError("sku"))]


@pytest.fixture
def page(live_server, letters, open_browser):
    page = open_browser(base_url=live_server.url, viewport={"width": 1280, "height": 900}, locale="en-GB")
    page.goto(LIST)
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    return page


def test_a_group_is_replayed_and_a_letter_edited_by_hand(page):
    page.get_by_role("link", name="By cause").click()
    page.get_by_role("row", name="ValueError").get_by_role("link", name="Replay…").click()
    page.get_by_text("2 of 2 open letters can be replayed").wait_for()
    page.get_by_role("button", name="Replay 2").click()
    page.get_by_text("2 replayed.").wait_for()
    page.goto(f"{LIST}?status__exact=replayed&error_type=ValueError")
    assert page.locator("#result_list th.field-id").count() == 2

    page.goto(f"{LIST}?status__exact=open")
    page.locator("th.field-id a").click()
    page.get_by_role("link", name="Edit and replay").click()
    text = page.get_by_label("Data").input_value()
    page.get_by_label("Reason").fill("misspelt")
    page.get_by_label("Data").fill(text.replace('"customer"', "7"))
    page.get_by_role("button", name="Deliver the copy").click()
    page.get_by_text("reason: Input should be a valid string").wait_for()

    page.get_by_label("Data").fill(text.replace("ORD-1042", "ORD-1043"))
    page.get_by_role("button", name="Deliver the copy").click()
    page.get_by_text("The copy is on its way").wait_for()
    assert page.get_by_text('+  "number": "ORD-1043"').is_visible()


def test_all_that_a_filter_lets_through_is_discarded_for_a_reason(page):
    page.goto(f"{LIST}?error_type=ValueError")
    page.locator("#action-toggle").check()
    page.get_by_label("Select action to run").select_option(label="Discard…")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("2 letters will be given up").wait_for()
    page.get_by_label("Reason").fill("of a test")
    page.get_by_role("button", name="Discard 2").click()
    page.get_by_text("2 discarded.").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_of_dead_letters_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("by-cause/", "replay/", "discard/", "replays/a-task/"):
        page.goto(LIST + path)
        surplus = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert surplus <= 0, f"{path} is {surplus} pixels too wide"
