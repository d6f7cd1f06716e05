"""Operators replay and discard dead letters, one at a time."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.events import OrderCancelled
from shop.messaging.consuming import consumer_of, envelope, failures, runner
from shop.messaging.contracts import cloudevents
from shop.messaging.dead_letters import (
    NotOpen,
    NotReplayable,
    ReasonMissing,
    Selection,
    actions,
    discard_dead_letter,
    replay_dead_letter,
)
from shop.messaging.dead_letters.causes import causes
from shop.messaging.dead_letters.preview import preview
from shop.messaging.errors import PermanentFailure
from shop.messaging.models import DeadLetter, DeadLetterAction, InboxEntry, OutboxEntry
from shop.messaging.operations import retention
from tests.unit.shop.messaging.dead_letters.examples import (
    ANALYTICS,
    a_cancellation,
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


@pytest.fixture
def letter() -> DeadLetter:
    """A cancellation as a dead letter of analytics."""
    return died()


def test_a_replay_goes_to_the_one_consumer_that_failed(letter):
    replay_dead_letter(dead_letter_id=letter.pk, by="olga")

    entry = OutboxEntry.objects.get()
    assert (entry.queue, entry.message_id, entry.headers) == ("analytics.events", letter.event_id, {})
    assert json.loads(entry.body)["data"]["number"] == "ORD-1042"
    assert DeadLetterAction.objects.get().by == "olga"


def test_what_is_settled_cannot_be_settled_again(letter):
    discard_dead_letter(dead_letter_id=letter.pk, by="olga", reason="a test order")
    with pytest.raises(NotOpen, match="discarded already"):
        replay_dead_letter(dead_letter_id=letter.pk, by="olga")
    assert not OutboxEntry.objects.exists()


def test_a_discard_needs_a_reason(letter):
    with pytest.raises(ReasonMissing):
        discard_dead_letter(dead_letter_id=letter.pk, by="olga", reason=" ")
    assert DeadLetter.objects.get().status == "open"


def test_what_nobody_can_read_cannot_be_replayed():
    with pytest.raises(NotReplayable, match="cannot be read"):
        replay_dead_letter(dead_letter_id=unreadable("{broken").pk, by="olga")


def test_what_a_later_version_of_the_code_can_read_is_replayed():
    replay_dead_letter(dead_letter_id=as_if_read_by_a_later_version().pk, by="olga")
    assert OutboxEntry.objects.get().queue == "analytics.events"


@pytest.mark.parametrize("replayed", ["yesterday", "never"])
def test_the_inbox_remembers_an_event_as_long_as_there_is_a_letter_of_it(letter, settings, replayed):
    long_ago = datetime.now(UTC) - settings.SHOP_INBOX_RETENTION * 3
    InboxEntry.objects.create(event_id=letter.event_id, consumer=ANALYTICS, consumed_at=long_ago)
    DeadLetter.objects.update(died_at=long_ago)
    if replayed == "yesterday":
        replay_dead_letter(dead_letter_id=letter.pk, by="olga")
        DeadLetterAction.objects.update(at=datetime.now(UTC) - timedelta(days=1))
    retention.prune_inbox()
    assert InboxEntry.objects.exists()

    DeadLetter.objects.update(status="replayed")
    DeadLetterAction.objects.update(at=long_ago)
    retention.prune_inbox()
    assert not InboxEntry.objects.exists()


def test_what_was_never_read_is_not_replayed_once_the_inbox_may_have_forgotten_it(settings):
    late = as_if_read_by_a_later_version()
    DeadLetter.objects.update(died_at=datetime.now(UTC) - settings.SHOP_INBOX_RETENTION)
    with pytest.raises(NotReplayable, match="inbox may have forgotten"):
        replay_dead_letter(dead_letter_id=late.pk, by="olga")


def test_settings_by_which_an_event_could_take_effect_twice_are_refused(settings):
    assert run_checks(tags=["messaging"]) == []
    settings.SHOP_INBOX_RETENTION = timedelta(hours=12)
    [error] = run_checks(tags=["messaging"])
    assert error.id == "messaging.E001"


def test_an_event_that_dies_again_joins_its_open_letter(letter):
    event = cloudevents.decode(json.loads(letter.body))
    message = envelope.Envelope(json.loads(letter.body), {envelope.ATTEMPTS: 4}, event)
    failures.dead_letter(
        consumer_of("analytics", OrderCancelled.type), message, PermanentFailure("still not")
    )
    assert DeadLetter.objects.get().attempts == 5


def test_the_inbox_skips_a_replay_of_what_was_consumed_meanwhile(letter):
    InboxEntry.objects.create(event_id=letter.event_id, consumer=ANALYTICS)
    replay_dead_letter(dead_letter_id=letter.pk, by="olga")
    entry = OutboxEntry.objects.get()
    runner.run(consumer_of("analytics", entry.type), [json.loads(entry.body)], [entry.headers])
    assert InboxEntry.objects.count() == 1
    assert not DeadLetter.objects.filter(status="open").exists()


def test_dead_letters_are_grouped_by_consumer_and_exception():
    for error in (PermanentFailure("no such order"), PermanentFailure("no such day"), ValueError("odd")):
        died(error=error)
    unreadable("{broken")

    frequent, *others = causes()
    assert (frequent.consumer, frequent.error_type, frequent.letters) == (ANALYTICS, "PermanentFailure", 2)
    assert frequent.example == "no such day"
    assert frequent.first < frequent.last
    assert {(cause.error_type, cause.letters) for cause in others} == {
        ("ValueError", 1),
        ("InvalidMessage", 1),
    }
    assert frequent.selection.letters().count() == 2


def test_grouping_costs_the_same_however_many_letters():
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            causes()
        return len(captured)

    died()
    few = statements()
    for _ in range(20):
        died()
    assert statements() == few


def test_a_forged_letter_is_not_replayed(settings):
    failures.dead_letter_forged(app="analytics", body=a_cancellation())
    letter = DeadLetter.objects.get()
    with pytest.raises(NotReplayable, match="does not come from the shop"):
        replay_dead_letter(dead_letter_id=letter.pk, by="olga")
    assert replay_all(Selection()).refused
    assert not OutboxEntry.objects.exists()
    assert preview(Selection()).replayable == 0


def test_an_unreadable_letter_that_nobody_signed_is_not_replayed_once_it_can_be_read():
    """The relay would sign it, and so make the words of a stranger the shop's."""
    letter = unreadable(a_cancellation())
    with pytest.raises(NotReplayable, match="nothing shows"):
        replay_dead_letter(dead_letter_id=letter.pk, by="olga")
