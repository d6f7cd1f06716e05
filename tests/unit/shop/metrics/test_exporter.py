"""Exporter: readings of database and broker, cached, and each apart from the others."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client import CollectorRegistry, generate_latest

from shop.ids import uuid7
from shop.messaging.models import Circuit, DeadLetter, OutboxEntry, ScheduledMessage
from shop.messaging.operations.durations import NewDurations
from shop.metrics import exporter, readings, sources
from shop.metrics.exposition import Samples
from tests.contracts.probe.events import ProbeSent
from tests.support.metrics import samples
from tests.unit.shop.messaging.support import published

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _same_connection(monkeypatch):
    """Keep the test's transaction: the exporter closes the connection of its thread."""
    monkeypatch.setattr(connection, "close", lambda: None)


def exposed(*names: str) -> dict:
    chosen = {name: sources.SOURCES[name] for name in names}
    registry = CollectorRegistry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "SOURCES", chosen)
        registry.register(Samples(exporter.Exporter().samples))
        return samples(generate_latest(registry).decode())


def test_outbox_shows_its_depth_its_age_and_the_relays():
    OutboxEntry.objects.all().delete()
    assert exposed("outbox")["shop_outbox_age_seconds",] == 0
    published(3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_outboxentry SET created_at = now() - interval '90 s'")
    found = exposed("outbox")
    assert found["shop_outbox_messages",] == 3
    assert found["shop_outbox_age_seconds",] == pytest.approx(90, abs=5)
    assert found["shop_relays",] == 0


def test_scheduled_messages_are_shown_by_kind():
    kinds = ScheduledMessage.Kind
    for kind in (kinds.REMINDER, kinds.RETRY, kinds.RETRY, kinds.DEFERRED, kinds.HELD):
        ScheduledMessage.objects.create(
            kind=kind,
            app="tests",
            type="tests.X.v1",
            aggregate_id=uuid7(),
            body="{}",
            due_at="2020-01-01T00:00Z",
        )
    found = exposed("scheduled")
    shown = {
        kind: found["shop_scheduled_messages", kind] for kind in ("reminder", "retry", "deferred", "held")
    }
    assert shown == {"reminder": 1, "retry": 2, "deferred": 1, "held": 1}
    assert found["shop_scheduled_overdue_messages",] == 5


def test_open_dead_letters_and_paused_consumers_are_shown_by_consumer():
    letter = {"app": "payments", "cause": "failed", "body": "{}", "error_type": "X", "error": "x"}
    DeadLetter.objects.create(consumer="payments.charge", **letter)
    DeadLetter.objects.create(consumer="payments.charge", status="discarded", **letter)
    Circuit.objects.create(consumer="payments.charge", probe_at="2100-01-01T00:00Z")
    found = exposed("dead_letters", "paused_consumers")
    assert found["shop_open_dead_letters", "payments", "payments.charge"] == 1
    assert found["shop_consumer_paused_seconds", "payments.charge", "breaker"] >= 0


def test_orders_are_shown_by_status():
    found = exposed("orders")
    assert found["shop_orders", "needs_attention"] == 0
    assert {
        ("shop_orders", "delivered"),
        ("shop_orders", "placed"),
        ("shop_overdue_orders", "payment"),
    } <= set(found)


def test_webhooks_are_shown_by_the_state_of_their_endpoints():
    found = exposed("webhooks")
    assert found["shop_webhook_endpoints", "failing"] == found["shop_webhook_pending_deliveries",] == 0
    assert found["shop_webhook_oldest_pending_seconds",] == 0


def test_a_source_that_fails_is_absent_and_counted_and_the_others_are_read(monkeypatch):
    def broken():
        raise RuntimeError("the broker is away")

    monkeypatch.setitem(sources.SOURCES, "queues", broken)
    found = exposed("queues", "outbox")
    assert found["shop_reading_failures_total", "queues"] == 1
    assert found["shop_reading_failures_total", "outbox"] == 0
    assert ("shop_outbox_messages",) in found
    assert ("shop_reading_duration_seconds", "queues") not in found


def test_readings_are_made_once_in_some_seconds_whoever_scrapes(monkeypatch):
    calls = []
    monkeypatch.setattr(exporter, "SOURCES", {"counted": lambda: calls.append(1) or []})
    reader = exporter.Exporter()
    assert reader.samples() == reader.samples()
    assert len(calls) == 1
    monkeypatch.setattr(exporter, "CACHE_SECONDS", -1.0)
    reader.samples()
    assert len(calls) == 2


def test_new_durations_are_read_once_from_where_the_reader_began(monkeypatch):
    monkeypatch.setattr("shop.messaging.operations.durations.SETTLING", -60)
    published(1)
    reader = NewDurations([ProbeSent.type])
    assert list(reader.read()) == []
    published(2)
    assert [type_ for type_, _ in reader.read()] == [ProbeSent.type] * 2
    assert list(reader.read()) == []


@pytest.mark.parametrize(
    "name", ["outbox", "scheduled", "dead_letters", "paused_consumers", "orders", "webhooks"]
)
def test_a_reading_takes_few_statements(name):
    with CaptureQueriesContext(connection) as captured:
        list(sources.SOURCES[name]())
    assert len(captured) <= 7


def test_every_source_is_registered_by_the_rooms_that_have_one():
    assert readings.outbox is sources.SOURCES["outbox"]
    assert {"queues", "orders", "order_durations", "webhooks"} <= set(sources.SOURCES)
