"""A worker stops, and the live flow turns red by itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from shop.messaging.models import WorkerNode
from shop.messaging.worker.presence import GONE_AFTER
from shop.settings import CONTEXTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def workers(transactional_db) -> None:
    """Workers of all contexts; that of payments counts as gone after some seconds."""
    User.objects.create_superuser("olga", "olga@example.com", "correct horse")
    now = timezone.now()
    soon_gone = now - timedelta(seconds=GONE_AFTER - 8)
    for name in CONTEXTS:
        seen = soon_gone if name == "payments" else now + timedelta(hours=1)
        facts = {"host": "a", "pid": 1, "processes": 1, "in_hand": 0, "runs": 0, "runs_a_minute": 0}
        WorkerNode.objects.create(name=f"{name}@a", queues=name, started_at=now, seen_at=seen, **facts)


def test_the_arrows_to_a_context_turn_red_without_a_reload(live_server, workers, open_browser):
    page = open_browser(base_url=live_server.url, viewport={"width": 1280, "height": 900}, locale="en-GB")
    page.goto("/admin/flow/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector(".flow .place.down")
    assert page.locator(".flow .place.down .name").all_text_contents() == ["payments"]
    assert "to payments: Down" in page.locator(".flow .arrow.down title").first.text_content()
    page.get_by_role("row", name="orders payments no worker").wait_for()
