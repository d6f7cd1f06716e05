"""Story of an integrator in a real browser: a key, an endpoint, a failed delivery, and the same one again."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from console.roles import make_groups
from dev.servers.receiver import Receiver
from tests.support.waiting import eventually
from tests.unit.console.conftest import Shop
from tests.unit.integrations.conftest import running

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"
DELIVERIES = "/admin/integrations/delivery/"


@pytest.fixture
def shop(transactional_db, settings) -> Shop:
    """A shop with an integrator. A delivery is given up once it has failed."""
    settings.SHOP_ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    settings.SHOP_ENDPOINT_RETRIES = []
    make_groups()
    ines = User.objects.create_user("ines", "ines@example.com", PASSWORD, is_staff=True)
    ines.groups.add(Group.objects.get(name="Integrator"))
    return Shop()


@pytest.fixture
def receiver(shop) -> Iterator[Receiver]:
    with Receiver() as receiver, running():
        yield receiver


@pytest.fixture
def page(receiver, live_server, open_browser) -> Any:
    return open_browser(base_url=live_server.url, viewport={"width": 1280, "height": 900}, locale="en-GB")


def test_an_integrator_makes_key_and_endpoint_sees_a_failure_and_sends_again(shop, receiver, page):
    inbox = receiver.inboxes["/hooks"]
    inbox.status, inbox.body = 500, b"out of order"
    key = make_key(page)
    inbox.secret = make_endpoint(page, receiver.url("/hooks"))

    order = Thread(target=place, args=(shop,))
    order.start()
    order.join()
    eventually(lambda: state_of_deliveries(page, key) == ["failed"])
    seen = attempts_of_the_delivery(page)
    assert all(part in seen for part in ("500", "out of order", "webhook-signature", "Milliseconds"))

    inbox.status, inbox.body = 200, b"thanks"
    page.goto(DELIVERIES)
    page.locator("#action-toggle").check()
    page.get_by_label("Select action to run").select_option(label="Send again")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("Done: 1.").wait_for()
    eventually(lambda: state_of_deliveries(page, key) == ["delivered"])
    seen = attempts_of_the_delivery(page)
    assert all(part in seen for part in ("out of order", "200", "thanks"))
    assert [event["type"].split(".")[1] for event in inbox.seen] == ["OrderCreated"] * 2
    assert inbox.forged == 0


def make_key(page: Any) -> str:
    """Log in, make a key for webhooks alone, and return it."""
    page.goto("/accounts/login/?next=/accounts/keys/")
    page.get_by_label("E-mail or user name").fill("ines")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.get_by_label("What is it for?").fill("our ERP")
    page.get_by_label("integrations:read").check()
    page.get_by_role("button", name="Make the key").click()
    key: str = page.text_content("#key")
    return key


def make_endpoint(page: Any, url: str) -> str:
    """Make an endpoint for all events, and return its secret, which is shown once."""
    page.goto("/admin/integrations/endpoint/add/")
    page.locator("#id_url").fill(url)
    page.locator("#id_contact").fill("ops@example.com")
    page.get_by_role("button", name="Save", exact=True).click()
    secret: str = page.locator("code", has_text="whsec_").text_content()
    page.goto("/admin/integrations/endpoint/")
    assert url in page.text_content("main")
    assert secret not in page.content()
    return secret


def place(shop: Shop) -> None:
    """Place an order, in a thread of its own: Django refuses the browser's the database."""
    shop.place()
    connection.close()


def state_of_deliveries(page: Any, key: str) -> list[str]:
    """Ask the REST API with the key."""
    answer = page.request.get("/api/v1/webhook-deliveries", headers={"Authorization": f"Bearer {key}"})
    assert answer.ok, answer.text()
    return [row["state"] for row in answer.json()["results"]]


def attempts_of_the_delivery(page: Any) -> str:
    """Open the only delivery from the list, and return the table of its attempts."""
    page.goto(DELIVERIES)
    page.locator("#result_list tbody th a").click()
    text: str = page.locator("#history-group").inner_text()
    return text
