"""Pruning: old rows are deleted in batches, also concurrently; young and needed rows stay."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django_celery_results.models import TaskResult

from orders.events import OrderCancelled
from shop.celery import app
from shop.ids import uuid7, uuid7_at
from shop.messaging import pruning, tasks
from shop.messaging.dead_letters import tasks as dead_letter_tasks
from shop.messaging.event_log import replay
from shop.messaging.models import DeadLetter, DeadLetterAction, InboxEntry, OutboxEntry, ScheduledMessage
from shop.messaging.operations.queries import inbox_gaps
from shop.messaging.operations.resending import lost_deliveries
from shop.messaging.pruning import Pruned, prune
from shop.messaging.publishing import publish

pytestmark = pytest.mark.django_db(transaction=True)


def consumed(count: int, *, days_ago: float) -> list[InboxEntry]:
    rows = [InboxEntry(event_id=uuid7(), consumer="tests.when_probe_sent_try") for _ in range(count)]
    for row in rows:
        row.consumed_at = ago(days_ago)
    return InboxEntry.objects.bulk_create(rows)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def prune_inbox() -> Pruned:
    return prune(InboxEntry.objects.all(), by="consumed_at", before=ago(30))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)


def test_old_inbox_rows_are_forgotten():
    young, _old = consumed(2, days_ago=29), consumed(5, days_ago=31)
    assert tasks.prune_inbox() == {"pruned": 5}
    assert set(InboxEntry.objects.all()) == set(young)


def test_many_rows_of_one_moment_are_forgotten():
    moment = ago(31)
    consumed(7, days_ago=31)
    InboxEntry.objects.update(consumed_at=moment)
    assert prune_inbox() == Pruned(7, finished=True)


def test_an_inbox_row_stays_as_long_as_a_copy_of_its_event_waits():
    retried, dead, discarded, _plain = consumed(4, days_ago=31)
    ScheduledMessage.objects.create(
        kind="retry", app="tests", message_id=retried.event_id, aggregate_id=uuid7(), due_at=ago(0)
    )
    letter = {"cause": "failed", "body": "{}", "error_type": "ValueError", "error": "no"}
    DeadLetter.objects.create(event_id=dead.event_id, **letter)
    DeadLetter.objects.create(event_id=discarded.event_id, status="discarded", **letter)

    assert tasks.prune_inbox() == {"pruned": 2}
    assert set(InboxEntry.objects.all()) == {retried, dead}


def test_what_was_pruned_is_never_taken_for_lost(settings):
    tasks.prune_inbox()
    with transaction.atomic():
        publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))
    assert inbox_gaps()

    settings.SHOP_INBOX_RETENTION = timedelta(0)
    tasks.prune_inbox()
    settings.SHOP_INBOX_RETENTION = timedelta(days=30)
    assert inbox_gaps() == []
    assert lost_deliveries(grace=timedelta(0)) == []
    assert len(list(replay(consumed_by=["analytics.when_order_cancelled_count_it"]))) == 1


def test_each_batch_is_a_transaction_of_its_own():
    old = consumed(5, days_ago=31)

    def forget(rows):
        if old[4] in rows:
            raise ZeroDivisionError
        rows.delete()

    with pytest.raises(ZeroDivisionError):
        prune(InboxEntry.objects.all(), by="consumed_at", before=ago(30), forget=forget)
    assert list(InboxEntry.objects.all()) == [old[4]]


def test_a_run_whose_time_is_up_is_started_again(monkeypatch):
    monkeypatch.setattr(pruning, "TIME_LIMIT", 0)
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    consumed(5, days_ago=31)
    assert tasks.prune_inbox() == {"pruned": 2}
    assert not InboxEntry.objects.exists()


def test_a_run_ends_long_before_its_time_limit():
    assert app.conf.task_time_limit / 2 >= pruning.TIME_LIMIT


def test_what_somebody_holds_is_left_to_the_next_run():
    held, *_others = consumed(5, days_ago=31)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            InboxEntry.objects.select_for_update().get(pk=held.pk)
            assert pool.submit(in_a_session_of_its_own, prune_inbox).result(timeout=30) == Pruned(4, True)
        assert InboxEntry.objects.get() == held
    assert prune_inbox() == Pruned(1, finished=True)


def test_prunings_at_once_share_the_work():
    old, young = consumed(400, days_ago=31), consumed(10, days_ago=29)
    start = threading.Barrier(4)

    def run() -> Pruned:
        start.wait(timeout=30)
        return prune_inbox()

    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(in_a_session_of_its_own, run) for _ in range(4)]
        done = [run.result(timeout=60) for run in runs]
    assert sum(pruned.rows for pruned in done) == len(old)
    assert set(InboxEntry.objects.all()) == set(young)


def in_a_session_of_its_own(act):
    try:
        connection.cursor().execute("SET lock_timeout = '5s'")
        return act()
    finally:
        connection.close()


def test_replayed_dead_letters_are_forgotten_and_those_that_nobody_consumed_stay():
    def letter(status: str, *, died: float, acted: float | None = None) -> DeadLetter:
        row = DeadLetter.objects.create(
            status=status, cause="failed", body="{}", error_type="ValueError", error="no", died_at=ago(died)
        )
        if acted is not None:
            DeadLetterAction.objects.create(dead_letter=row, action="discard", by="olga", at=ago(acted))
        return row

    letter("replayed", died=400, acted=399)
    letter("replayed", died=400, acted=366)
    stay = [
        letter("open", died=400),
        letter("replayed", died=400, acted=1),
        letter("replayed", died=364, acted=364),
        letter("discarded", died=400, acted=399),
        letter("replaced", died=400, acted=399),
    ]
    assert dead_letter_tasks.prune_dead_letters() == {"pruned": 2}
    assert set(DeadLetter.objects.all()) == set(stay)
    assert DeadLetterAction.objects.count() == 4


def test_old_results_of_tasks_are_forgotten():
    for name, days in [("young", 6), ("old", 8), ("older", 80)]:
        TaskResult.objects.create(task_id=name)
        TaskResult.objects.filter(task_id=name).update(date_done=ago(days))
    assert tasks.prune_results() == {"pruned": 2}
    assert TaskResult.objects.get().task_id == "young"


def test_ids_can_be_looked_up_by_age():
    before, made, after = uuid7_at(ago(0)), uuid7(), uuid7_at(ago(-0.001))
    assert before < made < after
    assert uuid7_at(ago(36_500)).int < before.int  # long before there were any
    rfc_9562 = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert uuid7_at(rfc_9562) == UUID("017f22e2-79b0-7000-8000-000000000000")


def test_the_tables_that_empty_themselves_are_vacuumed_early():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE reloptions @> '{autovacuum_vacuum_scale_factor=0}'"
        )
        early = {name for (name,) in cursor.fetchall()}
    assert early == {OutboxEntry._meta.db_table, ScheduledMessage._meta.db_table}
