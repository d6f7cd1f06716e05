"""No page breaks its Content Security Policy in a real browser, whatever it shows."""

import contextlib
import os
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Error

from console.seeding import seed
from orders.events import Address
from orders.intake import OrderRequest
from orders.services import place_order
from tests.faults.seeds import sample
from tests.support.inprocess import deliver_all
from tests.support.pages import PUBLIC_PAGES
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

#: Streams, logouts and data, which are no pages, and forms that look like the page of their object.
NO_PAGES = (
    "/add/",
    "logout",
    "jsi18n",
    "progress",
    "export",
    "asyncapi",
    "schema",
    "autocomplete",
    "healthz",
)
#: What Chromium says of a blocked script, style, frame or request.
REFUSAL = "Content Security Policy"


@pytest.fixture
def paths(transactional_db) -> list[str]:
    """Paths of all pages of a small shop."""
    seed()
    place_an_order()
    died(error=ValueError("odd"))
    fixed = [path for path in paths_of(get_resolver()) if not any(word in path for word in NO_PAGES)]
    lists = [path for path in fixed if path.startswith("/admin/") and path.count("/") == 4]  # much alike
    fixed = [path for path in fixed if path not in lists] + [*sample(lists, one_in=3)]
    return [*fixed, *object_pages(), "/orders/ORD-1001/", "/api/v1/products/MUG", "/api/v1/problems/invalid"]


def place_an_order() -> None:
    address = Address(
        name="Alice Liddell", street="1 Rabbit Hole", city="Oxford", postal_code="OX1", country="GB"
    )
    request = OrderRequest(lines=[("MUG", 1)], ship_to=address, payment_method="pm_card_visa")
    place_order(customer=User.objects.get(username="alice"), request=request)
    deliver_all()


def paths_of(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Return the paths without parameters below a resolver."""
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern).lstrip("^").rstrip("$")
        if "<" in path or "(" in path:
            continue
        if isinstance(one, URLPattern):
            yield path
        else:
            yield from paths_of(one, path)


def object_pages() -> Iterator[str]:
    """Return the page of one object of each model in the admin, and all kinds of pages of a user."""
    for model in admin.site._registry:
        if found := model._default_manager.order_by("pk").first():
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            kinds = ("change", "history", "delete") if model is User else ("change",)
            yield from (reverse(f"{name}_{kind}", args=[found.pk]) for kind in kinds)
    yield reverse("admin:auth_user_add")


@pytest.fixture
def session(paths, client) -> str:
    """Session in which the operator is logged in."""
    client.force_login(User.objects.get(username="operator"))
    return client.cookies["sessionid"].value


@pytest.fixture
def page(live_server, session, open_browser):
    """Page of the operator's browser."""
    page = open_browser(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


def test_no_page_breaks_its_content_security_policy(page, paths):
    assert len(paths) > 60
    refused: set[str] = set()
    page.on("console", lambda message: REFUSAL in message.text and refused.add(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: "/admin/" in page.url and refused.add(f"{page.url}: {error}"))
    for path in paths:
        with contextlib.suppress(Error):  # a page for POST alone answers without one
            page.goto(path, wait_until="load")
        save_screenshot(page, path)
    page.goto("/api/v1/docs")
    page.locator("#operations-orders-orders_create button").first.click()
    page.get_by_role("button", name="Try it out").first.click()
    save_screenshot(page, "docs-open")
    page.context.clear_cookies()
    for path in PUBLIC_PAGES:
        page.goto(path)
        save_screenshot(page, f"anonymous{path}")
    assert not refused, "\n".join(sorted(refused))


def test_the_policy_stops_a_script_that_got_into_a_page(page):
    page.goto("/")
    inject = "const s = document.createElement('script'); s.textContent = 'window.stolen = 1';"
    page.evaluate(inject + "document.body.append(s)")
    page.evaluate("document.body.innerHTML += '<img src=/nothing onerror=\"window.stolen = 1\">'")
    page.wait_for_timeout(300)
    assert page.evaluate("window.stolen") is None


def save_screenshot(page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        with contextlib.suppress(Error):  # nothing to be seen
            page.screenshot(
                path=f"{folder}/{name.strip('/').replace('/', '-') or 'root'}.png", full_page=True
            )
