"""Stories of operators in a real browser: a stuck order, a refund in part, a return, an export, a refusal."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from console.roles import make_groups
from console.seeding import PEOPLE
from orders.models import Order
from orders.returns.services import request_return
from orders.services import hold_up_order
from tests.support import outcomes
from tests.unit.console.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPERATOR = next(person for person in PEOPLE if person.operator)
PASSWORD = "correct horse battery"


class World:
    """A stuck order, one that its customer has and sends goods of back, and two clerks."""

    def __init__(self) -> None:
        shop = Shop()
        make_groups()
        self.delivered, self.stuck = shop.delivered(), shop.place()
        outcomes.record_payments(order_ids=[self.stuck.pk])
        assert hold_up_order(order_id=self.stuck.pk, seen="paid", reason="stock_overdue", note="")
        self.returned = request_return(
            order_id=self.delivered.pk, lines={"MUG": 1}, reason="a crack", by_customer=True
        )
        for name, group in (("sue", "Support"), ("fin", "Finance")):
            user = User.objects.create_user(name, f"{name}@example.com", PASSWORD, is_staff=True)
            user.groups.add(Group.objects.get(name=group))

    def page_of(self, order: Order) -> str:
        return f"/admin/orders/order/{order.pk}/change/"


@pytest.fixture
def world(transactional_db, settings, tmp_path) -> World:
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(milliseconds=1)
    return World()


def log_in(page: Any, username: str, password: str = PASSWORD) -> None:
    page.context.clear_cookies()
    page.goto("/admin/login/?next=/admin/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def submit(page: Any, text: str) -> None:
    page.get_by_role("button", name=text, exact=True).click()


@pytest.fixture
def page(world, live_server, open_browser) -> Any:
    return open_browser(base_url=live_server.url, viewport={"width": 1280, "height": 900})


def test_an_operator_repairs_refunds_takes_back_notes_and_exports(world, page):
    log_in(page, OPERATOR.username, OPERATOR.password)
    page.get_by_role("link", name="Look at them").click()
    page.get_by_role("link", name=world.stuck.number).click()
    assert "No answer from the stock" in page.text_content(".order-page")
    page.get_by_role("link", name="Go on waiting").click()
    submit(page, "Yes, go on waiting")
    assert "goes on waiting" in page.text_content("main")
    assert page.text_content(".headline .status") == "Paid"

    page.goto(world.page_of(world.delivered))
    page.get_by_role("link", name="Give money back").click()
    page.get_by_label("Amount").fill("1.50")
    page.get_by_label("Reason").fill("a scratch")
    submit(page, "Go on")
    assert "1.50 EUR go back to the customer" in page.text_content("[role=status]")
    submit(page, "Yes, give it back")
    assert "Requested a refund of 1.50 EUR." in page.text_content("main")

    page.goto(f"/admin/orders/return/{world.returned.pk}/change/")
    page.locator("a[href$='/approve/']").click()
    submit(page, "Go on")
    page.locator("input[type=submit].default").click()
    assert "Approved" in page.text_content("main")

    page.goto(world.page_of(world.delivered))
    page.get_by_label("New note").fill("Rang: the mug may stay.")
    submit(page, "Add note")
    page.get_by_label("New tag").fill("Mugs")
    submit(page, "Add tag")
    assert "Rang: the mug may stay." in page.text_content("#timeline")
    page.locator("#notes .tags a", has_text="mugs").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    rows = download.value.path().read_text().splitlines()
    assert len(rows) == 2
    assert world.delivered.number in rows[1]


def test_support_is_denied_what_finance_may_do(world, page):
    for username, may_refund in (("fin", True), ("sue", False)):
        log_in(page, username)
        page.goto(world.page_of(world.delivered))
        assert page.get_by_role("link", name="Give money back").count() == may_refund
        answer = page.goto(f"/admin/orders/order/{world.delivered.pk}/refund/")
        assert answer.status == (200 if may_refund else 403)
