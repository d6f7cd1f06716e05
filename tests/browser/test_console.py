"""The operators' pages fit all screens, in light and dark, are usable by all, and no script fails."""

import os
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone

from console.doctor.checkups import check_up
from console.seeding import PEOPLE
from orders.bulk.services import prepare, run
from orders.models import Order
from orders.notes.services import add_note, add_tag
from shipping.models import Shipment
from shop.messaging.models import Circuit, WorkerNode
from shop.settings import CONTEXTS
from tests.unit.console.conftest import Shop
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPERATOR = next(person for person in PEOPLE if person.operator)
CHARGES = "payments.when_order_created_charge_customer"
#: Width, height and colours of a screen.
SCREENS = {"desk": (1280, 900, "light"), "phone": (390, 844, "dark")}


@pytest.fixture
def pages(transactional_db, settings, tmp_path) -> dict[str, str]:
    """Paths of the pages, by name, of a shop with orders of many outcomes."""
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(milliseconds=1)
    shop = Shop()
    for _ in range(4):
        shop.delivered()
    shop.cancelled()
    shop.declined()
    stuck = shop.stuck_refund()
    died(error=ValueError("no such order"))
    checkup = check_up(by=OPERATOR.username, repair=False, grace=timedelta(0)).checkup
    waiting = shop.place()
    add_note(order_id=stuck.pk, text="Rang: another card is coming.", by="operator")
    add_tag(order_id=stuck.pk, name="urgent")
    by = User.objects.get(username=OPERATOR.username)
    bulk = prepare(action="cancel", orders=Order.objects.exclude(pk=waiting.pk), given={}, by=by)
    run(bulk_id=bulk.pk)
    parcel = Shipment.objects.get(order_id=stuck.pk)
    now = timezone.now()
    paused = {"consumer": CHARGES, "last_error": "gateway out of service", "probes": 2}
    Circuit.objects.create(opened_at=now, probe_at=now + timedelta(seconds=40), **paused)
    facts = {"host": "web-1", "pid": 1, "processes": 2, "in_hand": 1, "runs": 9, "runs_a_minute": 120}
    for name in CONTEXTS:
        WorkerNode.objects.create(
            name=f"{name}@web-1", queues=name, started_at=now, seen_at=now + timedelta(hours=1), **facts
        )
    return {
        "home": "/admin/",
        "orders": "/admin/orders/order/",
        "order": f"/admin/orders/order/{stuck.pk}/change/",
        "waiting": f"/admin/orders/order/{waiting.pk}/change/",
        "bulk-actions": "/admin/orders/bulkaction/",
        "bulk-action": f"/admin/orders/bulkaction/{bulk.pk}/change/",
        "packing-slip": f"/admin/packing-slip/{parcel.pk}/",
        "refund": f"/admin/orders/order/{stuck.pk}/refund/",
        "payments": "/admin/payments/payment/",
        "products": "/admin/inventory/product/",
        "product": "/admin/inventory/product/add/",
        "sales": "/admin/sales/",
        "flow": "/admin/flow/",
        "workers": "/admin/workers/",
        "dead-letters": "/admin/messaging/deadletter/by-cause/",
        "doctor": "/admin/doctor/",
        "check-up": f"/admin/console/checkup/{checkup.pk}/change/",
    }


@pytest.mark.parametrize("screen", SCREENS)
def test_the_operators_pages_fit_the_screen_and_run_without_errors(pages, live_server, open_browser, screen):
    width, height, colours = SCREENS[screen]
    viewport = {"width": width, "height": height}
    page: Any = open_browser(base_url=live_server.url, viewport=viewport, color_scheme=colours)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.goto("/admin/")
    page.get_by_label("Username").fill(OPERATOR.username)
    page.get_by_label("Password").fill(OPERATOR.password)
    page.get_by_role("button", name="Log in").click()
    for name, path in pages.items():
        page.goto(path, wait_until="load")
        assert page.locator("h1").count() == 1, path
        assert not (surplus := surplus_of(page)), f"{path} is {surplus} pixels too wide for {width}"
        found = Axe().run(page).response["violations"]
        assert not found, f"{path}: " + "; ".join(
            f"{one['id']} {one['nodes'][0]['html'][:90]}" for one in found
        )
        save_screenshot(page, f"{name}-{screen}")
    assert not errors, "\n".join(errors)
    assert page.evaluate("document.documentElement.className") == ("dark" if colours == "dark" else "")


def test_long_german_words_fit_a_phone(pages, live_server, open_browser):
    phone = {"width": 390, "height": 844}
    page: Any = open_browser(base_url=live_server.url, viewport=phone, locale="de-DE")
    page.goto("/admin/")
    page.get_by_label("Benutzername").fill(OPERATOR.username)
    page.get_by_label("Passwort").fill(OPERATOR.password)
    page.locator("[type=submit]").click()
    too_wide = {}
    for name, path in pages.items():
        page.goto(path, wait_until="load")
        assert page.locator("html").get_attribute("lang") == "de", path
        too_wide[name] = surplus_of(page)
        save_screenshot(page, f"{name}-german")
    assert not {name: surplus for name, surplus in too_wide.items() if surplus}


def surplus_of(page: Any) -> int:
    """Return how many pixels a page is wider than its screen."""
    return max(
        0, page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def save_screenshot(page: Any, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")
