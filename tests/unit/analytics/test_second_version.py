"""Second version of the read models, beside the live one."""

import random
import re
import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from rest_framework.test import APIClient

from analytics import rebuild_lock, replaying, second_version, services, shadow_tables, tasks
from analytics.errors import NoVersionBeside, RebuildRunning, VersionBeside, VersionMissing
from analytics.models import DailySales, JournalEntry, OrderFact, Projection
from analytics.registry import ORDERS
from shop.messaging.models import InboxEntry, ScheduledMessage
from tests.support.rights import staff_with
from tests.support.second_version.version import MARK, VERSION, apply
from tests.support.waiting import eventually
from tests.unit.analytics.facts import OUTCOMES, Story, logged, stories
from tests.unit.analytics.support import consume, figures

pytestmark = pytest.mark.django_db(transaction=True)
LIVE = 2
_WAITING = """
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture(autouse=True)
def two_versions(monkeypatch, settings):
    monkeypatch.setitem(ORDERS.versions, VERSION, apply)
    monkeypatch.setattr(replaying, "CHUNK", 10)
    settings.SHOP_INBOX_RETENTION = timedelta(days=36_500)
    Projection.objects.update(version=LIVE)
    yield
    shadow_tables.drop()


def in_thread(work, *args):
    """Run work on its own database connection."""

    def body():
        try:
            work(*args)
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def carriers():
    return set(OrderFact.objects.exclude(carrier="").values_list("carrier", flat=True))


def leftovers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [shadow_tables.SCHEMA])
        (tables,) = cursor.fetchone()
    return tables, JournalEntry.objects.count()


def test_it_follows_the_log_while_the_live_version_answers_and_is_promoted_with_everything():
    events = logged(*stories(3 * len(OUTCOMES)))
    rest = random.Random(5).sample(events, len(events))
    consume(rest[:60])
    assert second_version.begin(version=VERSION) == 60
    consume(rest[60:90])
    second_version.follow()
    consume(rest[90:])

    live = figures()
    assert not any(name.startswith(MARK) for name in carriers())
    assert second_version.promote() == VERSION
    promoted = figures()
    assert promoted != live
    assert all(name.startswith(MARK) for name in carriers())
    assert {**promoted, "OrderFact": 0} == {**live, "OrderFact": 0}
    assert leftovers() == (0, 0)

    services.rebuild()
    assert figures() == promoted


def test_events_that_come_while_it_is_filled_count_once():
    events = logged(*stories(14))
    rest = random.Random(7).sample(events, len(events))
    consume(rest[:30])

    def meanwhile(done, total):
        in_thread(consume, rest[30 + done : 40 + done]).join()

    second_version.begin(version=VERSION, progress=meanwhile)
    consume(rest)
    second_version.promote()
    promoted = figures()
    assert sum(day["orders_placed"] for day in promoted["DailySales"]) == 14
    services.rebuild()
    assert figures() == promoted


def test_a_consumer_that_waited_for_the_promotion_applies_the_promoted_version():
    consume(logged(Story().placed()))
    second_version.begin(version=VERSION)
    late, waiting = logged(Story().shipped())[-1:], []

    def has_to_wait():
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            return cursor.fetchall()

    def meanwhile(changes):
        waiting.append(in_thread(consume, late))
        eventually(has_to_wait, within=10)

    second_version.promote(preview=meanwhile)
    waiting[0].join()
    assert InboxEntry.objects.count() == 2
    assert [name[: len(MARK)] for name in carriers()] == [MARK]


def test_promoted_under_fire_each_event_counts_once_by_one_version():
    events = logged(*stories(60))
    mixed = random.Random(3).sample(events, len(events))
    failures, promoted = [], threading.Event()

    def fire(half):
        try:
            for start in range(0, len(half), 5):
                if start + 5 >= len(half):
                    assert promoted.wait(30)
                consume(sorted(half[start : start + 5], key=lambda event: event.type))
        except BaseException as error:  # noqa: BLE001 - for the assertion below
            failures.append(error)

    workers = [in_thread(fire, mixed[::2]), in_thread(fire, mixed[1::2])]
    second_version.begin(version=VERSION)
    second_version.follow()
    second_version.promote()
    promoted.set()
    for worker in workers:
        worker.join()
    assert not failures
    under_fire = figures()
    services.rebuild()
    assert figures() == under_fire
    assert sum(day["orders_placed"] for day in under_fire["DailySales"]) == 60
    assert all(name.startswith(MARK) for name in carriers())


def test_the_command_shows_what_a_promotion_changes_before_it_does():
    consume(logged(Story().shipped()))
    out = StringIO()
    call_command("rebuild_analytics", "--beside", str(VERSION), stdout=out, stderr=StringIO())
    assert (
        f"Version {VERSION} is beside the live one, from {InboxEntry.objects.count()} events"
        in out.getvalue()
    )

    before = figures()
    call_command("rebuild_analytics", "--promote", "--dry-run", stdout=out, stderr=StringIO())
    assert "analytics_orderfact: 0 added, 0 removed, 1 changed" in out.getvalue()
    assert "Nothing was changed" in out.getvalue()
    assert figures() == before

    call_command("rebuild_analytics", "--promote", stdout=out, stderr=StringIO())
    assert f"Version {VERSION} is live." in out.getvalue()
    assert Projection.objects.get().version == VERSION
    assert figures() != before


def test_nothing_is_left_of_a_dropped_one():
    consume(logged(Story().placed()))
    second_version.begin(version=VERSION)
    consume(logged(Story().placed()))
    live = figures()
    call_command("rebuild_analytics", "--drop", stdout=StringIO())
    assert leftovers() == (0, 0)
    assert figures() == live
    consume(logged(Story().placed()))
    assert leftovers() == (0, 0), "without a second version, nothing is written for one"


def test_one_that_was_not_filled_because_its_process_died_is_dropped():
    consume(logged(Story().placed()))
    second_version.begin(version=VERSION)
    Projection.objects.update(beside_filled=False)
    with pytest.raises(NoVersionBeside, match="not filled"):
        second_version.promote()
    tasks.follow_log()
    assert leftovers() == (0, 0)
    assert Projection.objects.get().beside is None


def test_a_beginning_that_fails_leaves_nothing():
    consume(logged(Story().placed()))

    def fail(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        second_version.begin(version=VERSION, progress=fail)
    assert leftovers() == (0, 0)
    assert Projection.objects.get().beside is None


def test_its_tables_outlive_a_crash_of_the_database():
    second_version.begin(version=VERSION)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT relpersistence FROM pg_class WHERE relnamespace = to_regnamespace(%s)",
            [shadow_tables.SCHEMA],
        )
        assert cursor.fetchall() == [("p",)]


def test_what_cannot_be_is_refused():
    with pytest.raises(NoVersionBeside, match="--beside"):
        second_version.promote()
    with pytest.raises(VersionMissing, match="no version 9 of the read models, only 2, 3"):
        second_version.begin(version=9)
    with pytest.raises(VersionBeside, match="is the live one"):
        second_version.begin(version=LIVE)

    second_version.begin(version=VERSION)
    with pytest.raises(VersionBeside, match="already"):
        second_version.begin(version=VERSION)
    with pytest.raises(CommandError, match="first promote it"):
        call_command("rebuild_analytics", stdout=StringIO(), stderr=StringIO())
    with rebuild_lock.one_rebuild():
        busy = []

        def attempt():
            tasks.follow_log()
            with pytest.raises(RebuildRunning):
                second_version.promote()
            busy.append(True)

        in_thread(attempt).join()
        assert busy


def test_it_is_not_promoted_over_tables_that_a_migration_has_changed():
    second_version.begin(version=VERSION)
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {shadow_tables.SCHEMA}.analytics_dailysales DROP COLUMN revenue_refunded"
        )
    with pytest.raises(NoVersionBeside, match="migration has changed analytics_dailysales since"):
        second_version.promote()


def test_a_worker_of_an_older_release_keeps_its_events_for_later(monkeypatch):
    consume(logged(Story().placed()))
    second_version.begin(version=VERSION)
    second_version.promote()
    monkeypatch.delitem(ORDERS.versions, VERSION)
    before, late = figures(), logged(Story().placed())
    with pytest.raises(AssertionError, match="Version 3 of the projection orders is live"):
        consume(late)
    assert figures() == before
    assert ScheduledMessage.objects.count() == len(late)


def test_read_models_of_a_version_that_is_gone_are_written_by_the_next():
    Projection.objects.update(version=1)
    consume(logged(Story().shipped()))
    assert sum(DailySales.objects.values_list("orders_placed", flat=True)) == 1
    assert not any(name.startswith(MARK) for name in carriers())


def test_admin_and_api_show_both_with_position_and_lag(client):
    staff = staff_with("analytics.view_projection")
    api = APIClient()
    api.force_authenticate(staff)
    client.force_login(staff)

    def beside():
        [projection] = api.get(reverse("analytics-projections")).json()
        assert projection["version"] == LIVE
        return projection["beside"]

    assert beside() is None
    consume(logged(Story().placed()))
    second_version.begin(version=VERSION)
    [event] = logged(Story().placed())
    consume([event])
    found = beside()
    assert found.pop("lag_seconds") > 0
    assert found["events_waiting"] == 1
    second_version.follow()
    assert beside() == {
        "version": VERSION,
        "position": found["position"] + 1,
        "events_waiting": 0,
        "lag_seconds": 0,
    }
    page = client.get(reverse("admin:analytics_projection_changelist")).content.decode()
    shown = f"{VERSION}, at {found['position'] + 1}, 0.0 s behind"
    assert re.search(rf"field-version_beside\b[^>]*>\s*{re.escape(shown)}\s*<", page)
    Projection.objects.update(beside_filled=False)
    assert beside()["position"] is None
    assert (
        f"{VERSION}, being filled"
        in client.get(reverse("admin:analytics_projection_changelist")).content.decode()
    )
