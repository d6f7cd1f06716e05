"""Replays of all letters that a filter lets through, in steps that may be interrupted."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery.exceptions import Reject
from django.db import connection, transaction
from django.http import QueryDict

from shop.messaging.dead_letters import (
    ReplayProgress,
    Selection,
    actions,
    discard_dead_letters,
    replay_dead_letters,
    tasks,
)
from shop.messaging.models import DeadLetter, DeadLetterAction, OutboxEntry
from tests.unit.shop.messaging.dead_letters.examples import died, replay_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Lift the rate limit of replays."""
    monkeypatch.setattr(actions, "MAX_REPLAYS_PER_SECOND", 1_000_000)


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


def test_letters_that_another_operator_is_settling_are_left_to_them(transactional_db):
    mine, theirs = died(), died()
    with transaction.atomic():
        actions.lock_open_letter(theirs.pk)
        with ThreadPoolExecutor() as other:
            replay = other.submit(in_a_session_of_its_own, lambda: replay_all(Selection()))
            progress = replay.result(timeout=30)
    assert progress.replayed == 1
    assert statuses() == {mine.pk: "replayed", theirs.pk: "open"}


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
