"""Backfill: a consumer is sent the events from before its beginning, once, slowly and in order."""

import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from shop.messaging.consuming import registry
from shop.messaging.consuming.subscriptions import subscribe_new
from shop.messaging.models import DeadLetter, EventRecord, InboxEntry, OutboxEntry, Subscription
from shop.messaging.operations import backfilling
from shop.messaging.operations.resending import lost_deliveries
from tests.unit.shop.messaging.support import a_consumer, published

pytestmark = pytest.mark.django_db

#: The transaction of a test is older than its events.
AT_ONCE = timedelta(minutes=-1)
NAME = "tests.when_probe_sent_catch_up"


@pytest.fixture
def events(monkeypatch):
    """Return five events of the log, from before the only consumer began."""
    monkeypatch.setattr(registry, "_consumers", {})
    registry.register(a_consumer(lambda event: None, name=NAME))
    Subscription.objects.all().delete()
    logged = published(5)
    subscribe_new()
    OutboxEntry.objects.all().delete()
    return logged


@pytest.fixture
def pauses(monkeypatch):
    """Return the pauses of the backfill, which do not take their time."""
    taken = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


def backfill(*arguments: str) -> str:
    out = StringIO()
    call_command("subscribe", *arguments, "--backfill", stdout=out, stderr=StringIO())
    return out.getvalue()


def sent() -> list[object]:
    return list(
        OutboxEntry.objects.filter(queue="tests.events").order_by("id").values_list("message_id", flat=True)
    )


def ids(events) -> list[object]:
    return [event.meta.id for event in events]


def test_it_sends_each_earlier_event_once_and_in_order(events, pauses):
    live = published()
    OutboxEntry.objects.all().delete()

    assert "5" in backfill(NAME)
    assert sent() == ids(events)
    assert backfill(NAME) == f"Sent to {NAME}: 0\n"
    assert sent() == ids(events)
    assert not set(ids(live)) & set(sent())


def test_it_goes_on_where_it_was_broken_off(events, pauses):
    consumer = registry.consumers()[0]
    backfilling.request_backfill(consumer)
    backfilling.send_chunk(consumer, 2)
    assert "backfilled to" in listed()

    backfill()
    assert sent() == ids(events)
    assert "backfilled to" not in listed()


def listed() -> str:
    out = StringIO()
    call_command("subscribe", stdout=out)
    return out.getvalue()


def test_it_begins_after_a_position(events, pauses):
    third = EventRecord.objects.get(id=events[2].meta.id).position
    backfill(NAME, "--from", str(third))
    assert sent() == ids(events[3:])


def test_it_leaves_out_what_was_consumed_or_given_up(events, pauses):
    InboxEntry.objects.create(event_id=events[0].meta.id, consumer=NAME)
    DeadLetter.objects.create(
        app="tests", consumer=NAME, event_id=events[1].meta.id, cause="failed", status="discarded"
    )
    backfill(NAME)
    assert sent() == ids(events[2:])


def test_it_keeps_to_its_rate(events, pauses):
    backfill(NAME, "--rate", "2")
    assert sum(pauses) >= (len(events) - 2) / 2


def test_it_waits_while_the_relay_is_behind(events, monkeypatch):
    published()
    monkeypatch.setattr(backfilling, "MAX_OUTBOX", 0)
    monkeypatch.setattr(time, "sleep", lambda seconds: OutboxEntry.objects.all().delete())
    consumer = registry.consumers()[0]
    backfilling.request_backfill(consumer)

    assert list(backfilling.backfill(consumer)) == [5]
    assert sent() == ids(events)


def test_the_doctor_leaves_to_the_backfill_what_it_has_not_sent_and_looks_for_what_it_has(events):
    consumer = registry.consumers()[0]
    backfilling.request_backfill(consumer)
    assert lost_deliveries(grace=AT_ONCE) == []
    backfilling.send_chunk(consumer, 2)
    OutboxEntry.objects.all().delete()
    assert [one.event_id for one in lost_deliveries(grace=AT_ONCE)] == ids(events[:2])


def test_a_consumer_of_long_standing_is_not_sent_its_past_again(events, pauses):
    Subscription.objects.update(position=0, backfill_until=0, backfilled_to=0)
    backfill(NAME)
    assert sent() == []


def test_an_unknown_consumer_is_refused_by_name(events):
    with pytest.raises(CommandError, match="when_nobody"):
        backfill("tests.when_nobody")


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_a_rate_that_would_never_end_is_refused(events, rate):
    with pytest.raises(CommandError, match="--rate"):
        backfill(NAME, "--rate", rate)
