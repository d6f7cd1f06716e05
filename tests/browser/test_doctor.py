"""An operator audits and repairs the shop in a real browser."""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from console.seeding import PEOPLE
from inventory.models import Product
from notifications.models import Notification
from payments.models import SimulatedCharge
from tests.unit.console.conftest import Shop
from tests.unit.console.damage import lose_outbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPERATOR = next(person for person in PEOPLE if person.operator)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def damaged(transactional_db, settings, tmp_path) -> Shop:
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.SHOP_DOCTOR_GRACE = timedelta(0)
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(milliseconds=1)
    shop = Shop()
    shop.stuck_refund()
    shop.delivered()
    Notification.objects.filter(kind="shipped").delete()
    settings.SHOP_TRACKING_INTERVAL = timedelta(days=1)
    shop.shipped()
    SimulatedCharge.objects.filter(token="pm_card_visa").update(captured=1)
    Product.objects.filter(sku="MUG").update(available=F("available") + 1)
    shop.place()
    lose_outbox()
    return shop


def test_an_operator_repairs_what_is_safe_and_recounts_the_rest(damaged, live_server, open_browser):
    page: Any = open_browser(base_url=live_server.url, viewport=DESK)
    page.goto("/admin/doctor/")
    page.fill("#id_username", OPERATOR.username)
    page.fill("#id_password", OPERATOR.password)
    page.click("[type=submit]")
    page.get_by_role("button", name="Audit now").click()
    assert "Repairable" in page.text_content("#findings")
    save_screenshot(page, "1-audited")
    page.get_by_role("button", name="Repair what is safe").click()
    assert "Handed over" in page.text_content("#findings")
    assert "The books disagree" in page.text_content("#attention")
    save_screenshot(page, "2-repaired")
    page.get_by_label("Counted").fill("180")
    page.get_by_role("button", name="Take over").click()
    assert "its ledger says so" in page.text_content(".messagelist")
    page.set_viewport_size(PHONE)
    save_screenshot(page, "3-phone")
    page.goto("/admin/")
    assert "need a person" in page.text_content("#content")
    save_screenshot(page, "4-index")


def save_screenshot(page: Any, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
