"""Previews of replays foretell what a replay does."""

from datetime import UTC, datetime

import pytest

from orders.events import OrderCancelled
from shop.messaging.dead_letters import (
    Selection,
    actions,
)
from shop.messaging.dead_letters.preview import preview
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry
from tests.unit.shop.messaging.dead_letters.examples import (
    ANALYTICS,
    as_if_read_by_a_later_version,
    died,
    replay_all,
    unreadable,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Lift the rate limit of replays."""
    monkeypatch.setattr(actions, "MAX_REPLAYS_PER_SECOND", 1_000_000)


def test_a_preview_tells_what_the_inbox_would_skip_and_what_cannot_be_replayed(settings):
    consumed, *_ = [died() for _ in range(3)]
    InboxEntry.objects.create(event_id=consumed.event_id, consumer=ANALYTICS)
    old = as_if_read_by_a_later_version()
    DeadLetter.objects.filter(pk=old.pk).update(died_at=datetime.now(UTC) - settings.SHOP_INBOX_RETENTION)
    unreadable("{broken")

    outcome = preview(Selection())

    [line] = outcome.lines
    assert (line.consumer, line.type, line.delivered, line.skipped) == (ANALYTICS, OrderCancelled.type, 2, 1)
    assert (outcome.letters, outcome.replayable) == (5, 3)
    reasons = {type_: reason for _, type_, reason in outcome.refused}
    assert "inbox may have forgotten" in reasons[OrderCancelled.type]
    assert "cannot be read" in reasons[""]
    assert not OutboxEntry.objects.exists(), "a preview does nothing"


def test_a_preview_of_an_unroutable_event_names_all_who_subscribe_by_now():
    letter = died()
    DeadLetter.objects.update(cause="unroutable", app="", consumer="", aggregate_id=None)
    InboxEntry.objects.create(event_id=letter.event_id, consumer=ANALYTICS)

    lines = {line.consumer: (line.delivered, line.skipped) for line in preview(Selection()).lines}
    assert lines == {
        ANALYTICS: (0, 1),
        "notifications.when_order_cancelled_tell_customer": (1, 0),
    }


def test_a_preview_foretells_what_the_replay_does():
    for n in range(7):
        unreadable("{broken") if n % 3 == 0 else died()
    expected, progress = preview(Selection()), replay_all(Selection())
    assert (progress.replayed, sum(progress.refused.values())) == (4, 3)
    assert (expected.replayable, expected.refused.total()) == (4, 3)
    assert OutboxEntry.objects.count() == 4
