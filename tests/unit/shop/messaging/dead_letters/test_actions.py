"""Actions on dead letters: replay, discard, and the record of each."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from celery.exceptions import Reject
from django.core.checks import run_checks
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, envelope, failures, runner
from shop.messaging.contracts import cloudevents
from shop.messaging.dead_letters import (
    NotOpen,
    NotReplayable,
    ReasonMissing,
    ReplayProgress,
    Selection,
    actions,
    discard_dead_letter,
    discard_dead_letters,
    replay_dead_letter,
    replay_dead_letters,
    tasks,
)
from shop.messaging.dead_letters.causes import causes
from shop.messaging.dead_letters.preview import preview
from shop.messaging.errors import PermanentFailure
from shop.messaging.models import DeadLetter, DeadLetterAction, InboxEntry, OutboxEntry
from shop.messaging.operations import retention
from shop.messaging.signing.events import signed
from tests.unit.shop.messaging.dead_letters.examples import ANALYTICS, a_cancellation, died, unreadable

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


def test_a_filter_replays_what_it_matches_and_nothing_else():
    wanted, other = died(error=ValueError("odd")), died(error=KeyError("sku"))
    progress = replay_all(Selection(where={"error_type": "ValueError"}))
    assert progress.replayed == 1
    assert statuses() == {wanted.pk: "replayed", other.pk: "open"}


def test_what_dies_after_the_operator_looked_is_not_meant():
    looked_at = died()
    selection = Selection().as_of_now()
    newer = died()
    assert list(selection.letters()) == [looked_at]
    assert max(discard_dead_letters(selection, by="olga", reason="tests")) == 1
    assert statuses()[newer.pk] == "open"


def test_letters_that_die_again_while_they_are_replayed_are_not_replayed_in_circles(monkeypatch):
    monkeypatch.setattr(actions, "REPLAY_BATCH", 1)
    died(), died()
    progress = ReplayProgress()
    for _ in replay_dead_letters(Selection(), by="olga", progress=progress):
        died()  # as if the replayed one had failed at once
    assert progress.replayed == 2


def test_a_selection_finds_its_way_through_url_and_broker():
    selection = Selection(where={"consumer": "", "type": "a&b"}, ids=[3, 4], search="ü?", newest=9)
    assert Selection.from_query(QueryDict(selection.as_query()).dict()) == selection
    assert Selection(**json.loads(json.dumps(selection.as_json()))) == selection


def test_letters_can_only_be_selected_by_what_they_are_listed_by():
    with pytest.raises(ValueError, match="actions__by"):
        Selection(where={"actions__by": "olga"})


def test_a_replay_that_was_killed_is_gone_on_with(monkeypatch):
    monkeypatch.setattr(actions, "REPLAY_BATCH", 2)
    for _ in range(5):
        died()
    selection = Selection().as_of_now()
    first_run = replay_dead_letters(selection, by="olga")
    next(first_run)  # and here it is killed

    result = have_replayed(selection, total=5)
    assert result.state == "SUCCESS"
    assert result.result == {"done": 5, "total": 5, "open": 0, "refused": {}}
    assert OutboxEntry.objects.count() == DeadLetterAction.objects.count() == 5


def test_a_long_replay_hands_the_rest_to_another_run_under_the_same_id(monkeypatch):
    monkeypatch.setattr(actions, "REPLAY_BATCH", 2)
    monkeypatch.setattr(tasks, "TIME_SLICE", 0.0)
    handed_over = []
    monkeypatch.setattr(tasks.replay, "apply_async", lambda **options: handed_over.append(options))
    for _ in range(5):
        died()
    selection = Selection().as_of_now()

    first = have_replayed(selection, total=5)
    assert handed_over[0]["task_id"] == first.id
    assert handed_over[0]["kwargs"]["so_far"]["replayed"] == 2
    while handed_over:
        last = tasks.replay.apply(kwargs=json.loads(json.dumps(handed_over.pop()["kwargs"])))
    assert last.result == {"done": 5, "total": 5, "open": 0, "refused": {}}
    assert OutboxEntry.objects.count() == 5


def test_a_replay_waits_for_a_database_that_is_away(monkeypatch, transactional_db):
    monkeypatch.setattr(tasks, "OUTAGE_DELAY", 0)
    monkeypatch.setattr(tasks.replay, "update_state", lambda **_: end_the_session())
    died()
    arguments = {"selection": Selection().as_of_now().as_json(), "by": "olga", "total": 1}
    with pytest.raises(Reject) as rejected:
        tasks.replay.run(**arguments)
    assert rejected.value.requeue
    assert statuses(), "it has closed the broken session"


def test_the_progress_of_a_replay_is_in_its_task_result(monkeypatch):
    seen = []
    monkeypatch.setattr(actions, "REPLAY_BATCH", 2)
    monkeypatch.setattr(tasks.replay, "update_state", lambda **progress: seen.append(progress["meta"]))
    for _ in range(3):
        died()
    have_replayed(Selection().as_of_now(), total=3)
    assert seen == [{"done": 2, "total": 3}, {"done": 3, "total": 3}]


def test_live_events_go_on_between_the_steps_of_a_replay(monkeypatch):
    naps = []
    monkeypatch.setattr(actions, "MAX_REPLAYS_PER_SECOND", 0.1)
    monkeypatch.setattr(actions.time, "sleep", naps.append)
    for _ in range(4):
        died()
    replay_all(Selection())
    assert 20 < naps[0] <= 40


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


def test_letters_that_another_operator_is_settling_are_left_to_them(transactional_db):
    mine, theirs = died(), died()
    with transaction.atomic():
        actions.lock_open_letter(theirs.pk)
        with ThreadPoolExecutor() as other:
            replay = other.submit(in_a_session_of_its_own, lambda: replay_all(Selection()))
            progress = replay.result(timeout=30)
    assert progress.replayed == 1
    assert statuses() == {mine.pk: "replayed", theirs.pk: "open"}


def as_if_read_by_a_later_version() -> DeadLetter:
    """Record a dead letter that was unreadable on arrival and is readable now."""
    event_id = uuid7()
    body = json.dumps({**json.loads(a_cancellation()), "id": str(event_id)})
    return unreadable(signed(body, event_id, OrderCancelled.type))


def replay_all(selection: Selection) -> ReplayProgress:
    progress = ReplayProgress()
    for _ in replay_dead_letters(selection, by="olga", progress=progress):
        pass
    return progress


def in_a_session_of_its_own(work):
    try:
        return work()
    finally:
        connection.close()


def end_the_session() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def have_replayed(selection: Selection, *, total: int):
    arguments = {"selection": selection.as_json(), "by": "olga", "total": total}
    return tasks.replay.apply(kwargs=arguments)


def statuses() -> dict[int, str]:
    return dict(DeadLetter.objects.values_list("pk", "status"))
