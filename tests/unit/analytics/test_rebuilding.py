"""Rebuild: it counts exactly the events that the consumers have consumed."""

import random
import threading
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from analytics import rebuild_lock, replaying, services, shadow_tables, tasks
from analytics.errors import RebuildRunning
from analytics.models import DailySales, JournalEntry, OrderFact, ProductSales
from shop.messaging.models import InboxEntry
from tests.unit.analytics.facts import OUTCOMES, Story, logged, stories
from tests.unit.analytics.support import consume, figures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(replaying, "CHUNK", 10)


@pytest.fixture(autouse=True)
def inbox_that_forgets_nothing(settings):
    settings.SHOP_INBOX_RETENTION = timedelta(days=36_500)


@pytest.fixture
def elsewhere():
    """Return a function that runs work on its own database connection, and waits for it."""

    def run(work, *args):
        def body():
            try:
                work(*args)
            finally:
                connection.close()

        thread = threading.Thread(target=body)
        thread.start()
        thread.join(timeout=20)
        assert not thread.is_alive(), "it is blocked"

    return run


def damage():
    DailySales.objects.update(orders_placed=77, revenue_captured=0)
    OrderFact.objects.update(shipped_at=None)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_productsales")


def leftovers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [shadow_tables.SCHEMA])
        (tables,) = cursor.fetchone()
    return tables, JournalEntry.objects.count()


def test_a_rebuild_gives_the_same_figures_as_the_live_projection():
    consume(logged(*stories(3 * len(OUTCOMES))))
    live = figures()
    damage()
    assert figures() != live

    services.rebuild()
    assert figures() == live
    assert leftovers() == (0, 0)


def test_a_rebuild_twice_changes_nothing():
    consume(logged(*stories(7)))
    services.rebuild()
    once = figures()
    services.rebuild()
    assert figures() == once


def test_what_was_not_consumed_yet_counts_when_it_is():
    events = logged(*stories(14))
    consume(events[:20])
    before = figures()
    assert services.rebuild() == 20
    assert figures() == before

    consume(events)
    live = figures()
    services.rebuild()
    assert figures() == live != before


def test_what_is_consumed_while_a_rebuild_runs_counts_once(elsewhere):
    events = logged(*stories(14))
    rest = random.Random(7).sample(events, len(events))
    consume(rest[:30])

    def meanwhile(done, total):
        assert total == len(events)
        elsewhere(consume, rest[30 + done : 40 + done])  # before and behind the position of the replay

    services.rebuild(progress=meanwhile)
    assert JournalEntry.objects.count() == 0
    consume(rest)
    rebuilt = figures()

    assert InboxEntry.objects.count() == len(events)
    damage()
    services.rebuild()
    assert figures() == rebuilt
    assert sum(day["orders_placed"] for day in rebuilt["DailySales"]) == 14


def test_live_figures_go_on_while_a_rebuild_runs(elsewhere):
    consume(logged(Story().placed()))
    late = logged(Story().delivered())
    seen = []

    def meanwhile(done, total):
        elsewhere(consume, late)
        seen.append(sum(DailySales.objects.values_list("orders_delivered", flat=True)))

    services.rebuild(progress=meanwhile)
    assert seen == [1]
    assert sum(DailySales.objects.values_list("orders_delivered", flat=True)) == 1


def test_rebuilds_under_fire_end_with_the_figures_of_peace():
    events = logged(*stories(60))
    mixed = random.Random(3).sample(events, len(events))
    halves = [mixed[::2], mixed[1::2]]
    failures = []
    rebuilt_twice = threading.Event()

    def fire(half):
        try:
            for start in range(0, len(half), 5):
                if start + 5 >= len(half):
                    assert rebuilt_twice.wait(30)
                batch = sorted(half[start : start + 5], key=lambda event: event.type)
                consume(batch + batch[:1])
        except BaseException as error:  # noqa: BLE001 - for the assertion below
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=fire, args=[half]) for half in halves]
    for worker in workers:
        worker.start()
    for _ in range(2):
        services.rebuild()
    rebuilt_twice.set()
    while any(worker.is_alive() for worker in workers):
        services.rebuild()
    for worker in workers:
        worker.join()
    assert not failures
    under_fire = figures()
    services.rebuild()
    assert figures() == under_fire
    assert len(under_fire["OrderFact"]) == 60
    assert sum(day["orders_placed"] for day in under_fire["DailySales"]) == 60


def test_a_rebuild_that_dies_leaves_the_old_figures_and_the_next_one_clears_up(elsewhere):
    events = logged(*stories(14))
    consume(events[:40])
    live = figures()

    def die(done, total):
        elsewhere(consume, events[40:45])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.rebuild(progress=die)
    assert figures() != live
    assert leftovers() == (0, 5)

    consume(events)
    live = figures()
    assert JournalEntry.objects.count() == 5, "the journal is written only during a rebuild"
    services.rebuild()
    assert figures() == live
    assert leftovers() == (0, 0)


def test_what_a_killed_rebuild_left_behind_is_cleared_up():
    consume(logged(*stories(7)))
    live = figures()
    shadow_tables.create()
    with shadow_tables.redirected():
        assert not OrderFact.objects.exists()
    assert figures() == live

    services.rebuild()
    assert figures() == live
    assert leftovers() == (0, 0)


def test_one_rebuild_at_a_time(elsewhere):
    consume(logged(Story().paid()))
    refused = []

    def second(done, total):
        def attempt():
            try:
                services.rebuild()
            except RebuildRunning as refusal:
                refused.append(str(refusal))

        elsewhere(attempt)

    services.rebuild(progress=second)
    assert refused == ["A rebuild is running already: wait until it is done."]
    services.rebuild()


def test_events_that_the_inbox_has_forgotten_are_not_forgotten(settings):
    settings.SHOP_INBOX_RETENTION = timedelta(days=30)
    consume(logged(Story().delivered()))  # long ago
    live = figures()
    InboxEntry.objects.all().delete()

    services.rebuild()
    assert figures() == live


def test_a_reader_does_not_delay_the_swap(monkeypatch):
    consume(logged(*stories(7)))
    monkeypatch.setattr(rebuild_lock, "LOCK_TIMEOUT", "100ms")
    live = figures()
    reading, done = threading.Event(), threading.Event()

    def read():
        with transaction.atomic():
            list(ProductSales.objects.all())
            reading.set()
            done.wait(10)
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait(10)
    damage()
    services.rebuild()
    done.set()
    reader.join()
    assert figures() == live


def test_the_command_shows_how_far_it_is_and_what_it_did():
    consume(logged(*stories(7)))
    live = figures()
    damage()
    out, progress = StringIO(), StringIO()
    call_command("rebuild_analytics", stdout=out, stderr=progress)

    assert f"Rebuilt from {InboxEntry.objects.count()} events." in out.getvalue()
    assert "Replaying the log" in progress.getvalue()
    assert figures() == live


def test_the_command_says_that_a_rebuild_is_running(elsewhere):
    def attempt():
        with pytest.raises(CommandError, match="running already"):
            call_command("rebuild_analytics", stdout=StringIO())

    with rebuild_lock.journaling():
        elsewhere(attempt)


def test_the_task_reports_its_progress(monkeypatch):
    consume(logged(*stories(7)))
    updates = []
    monkeypatch.setattr(tasks.rebuild, "update_state", lambda **update: updates.append(update))
    result = tasks.rebuild.apply(kwargs={"by": "olga"}).get()

    events = InboxEntry.objects.count()
    assert result == {"events": events, "by": "olga", "changes": []}
    assert updates[0] == {"state": "PROGRESS", "meta": {"done": 10, "total": events}}
    assert updates[-1]["meta"]["done"] == events


# --- What a rebuild changes -----------------------------------------------------------------------


@pytest.fixture
def damaged():
    """Figures of two orders, of which one lacks its fact, one is wrong, and a day is too many."""
    first, second = Story(tea=2).placed(), Story(tea=2).placed()
    consume(logged(first, second))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_orderfact WHERE order_id = %s", [first.order_id])
    OrderFact.objects.filter(order_id=second.order_id).update(total=3)
    DailySales.objects.create(day=date(2020, 1, 2), currency="EUR")
    return first, second


def test_a_dry_run_shows_what_would_change_and_changes_nothing(damaged):
    first, second = damaged
    before, out = figures(), StringIO()
    call_command("rebuild_analytics", "--dry-run", stdout=out, stderr=StringIO())
    assert out.getvalue().splitlines() == [
        "analytics_orderfact: 1 added, 0 removed, 1 changed",
        f"  added: {first.order_id}",
        f"  changed: {second.order_id}",
        "analytics_dailysales: 0 added, 1 removed, 0 changed",
        "  removed: 2020-01-02 EUR",
        "Nothing was changed: a dry run, from 2 events.",
    ]
    assert figures() == before
    assert leftovers() == (0, 0)


def test_a_rebuild_shows_its_changes_before_it_makes_them(damaged):
    seen = []

    def preview(changes):
        seen.append(([(one.table, one.added, one.removed, one.changed) for one in changes], figures()))

    before = figures()
    services.rebuild(preview=preview)
    assert seen == [([("analytics_orderfact", 1, 0, 1), ("analytics_dailysales", 0, 1, 0)], before)]
    services.rebuild(preview=preview)
    assert seen[1][0] == []


def test_the_preview_counts_what_was_consumed_meanwhile(elsewhere):
    consume(logged(Story().placed()))
    late, seen = logged(Story().paid()), []
    services.rebuild(progress=lambda done, total: elsewhere(consume, late), preview=seen.append)
    assert seen == [[]]


def test_the_task_keeps_what_it_changed(damaged):
    result = tasks.rebuild.apply(kwargs={"by": "olga"}).get()
    assert [(change["table"], change["keys"]) for change in result["changes"]] == [
        ("analytics_orderfact", {"added": [str(damaged[0].order_id)], "changed": [str(damaged[1].order_id)]}),
        ("analytics_dailysales", {"removed": ["2020-01-02 EUR"]}),
    ]


def test_few_of_many_differences_are_named():
    consume(logged(*[Story().placed() for _ in range(8)]))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_orderfact")
    seen = []
    services.rebuild(preview=seen.extend)
    assert (seen[0].added, len(seen[0].keys["added"])) == (8, 5)


def test_the_command_says_that_nothing_changes():
    consume(logged(*stories(7)))
    out = StringIO()
    call_command("rebuild_analytics", stdout=out, stderr=StringIO())
    assert "nothing is to be changed" in out.getvalue()
