"""Guarantees on Service Bus alone: locks, outages, sessions, limits.

Each test has a stand-in of its own: client and AMQP 1.0 are real, the semantics ours. No worker of other
tests may run meanwhile, for it would relay their events elsewhere.
"""

import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusReceivedMessage,
)
from celery import Celery
from django.db import connection

from dev.servers.servicebus.process import ServiceBusStandIn
from shop.ids import uuid7
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.bus.port import event_bus
from shop.messaging.models import DeadLetter, OutboxEntry
from shop.messaging.outbox.shards import shard_of
from tests.contracts.conftest import Probe, environment, started_worker
from tests.contracts.probe.consumers import LEAVE
from tests.contracts.probe.events import ProbeNudged, ProbeSent
from tests.support.servicebus import READER, entities
from tests.support.waiting import eventually

LOCK = timedelta(seconds=2)
#: Key of the stand-in's connection string.
KEY = "c3RhbmQtaW4="
QUICK = {"prefetch_count": 20, "keep_alive": 0}


def sent(behaviour: str = "note", number: int = 0, probe_id: UUID | None = None) -> ProbeSent:
    return ProbeSent(probe_id=probe_id or uuid7(), behaviour=behaviour, number=number)


class Watched:
    """Stand-in of its own, with locks of two seconds, and workers on it."""

    def __init__(self, home: Path, **more: str) -> None:
        self.home, self._more = home, more
        requires_session = more.get("SHOP_SERVICEBUS_SESSIONS") == "1"
        config = entities(f"PT{LOCK.seconds}S", requires_session=requires_session)
        self.server = ServiceBusStandIn(home / "servicebus", config, preferred_port=31672)
        self.server.start()
        self.probe = Probe(self.server.url())
        self.client = ServiceBusClient.from_connection_string(self.server.url(), retry_total=0)

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    @contextmanager
    def worker(self) -> Iterator[int]:
        """Run a worker and yield its process id."""
        env = environment(self.server.url(), settings="tests.contracts.settings", **self._more)
        with started_worker(env, self.home / "log", processes=1) as process:
            yield process.pid

    def lose_subscriptions(self) -> None:
        """Restart without any subscription."""
        self.server.stop()
        [namespace] = self.server.config["UserConfig"]["Namespaces"]
        namespace["Topics"][0]["Subscriptions"].clear()
        self.server.start()

    def waiting(self) -> list[ServiceBusReceivedMessage]:
        """Return the messages that the subscription of the tests' consumers holds, locked or not."""
        with self.client.get_subscription_receiver("shop.events", "tests", **QUICK) as receiver:
            return receiver.peek_messages(100)


@pytest.fixture
def watched(probe_table, tmp_path) -> Iterator[Watched]:
    one = Watched(tmp_path)
    yield one
    one.client.close()
    one.server.stop()


@contextmanager
def leave_withheld() -> Iterator[None]:
    """Hold the lock that a waiting probe waits for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LEAVE])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LEAVE])


def test_a_slow_events_lock_is_renewed_and_a_killed_workers_events_come_again(watched):
    with leave_withheld(), watched.worker() as pid:
        events = watched.probe.publish(sent("wait"), *(sent(number=n) for n in range(3)))
        first_end = eventually(watched.waiting)[0].locked_until_utc
        later = eventually(
            lambda: [m for m in watched.waiting() if m.locked_until_utc > first_end + 2 * LOCK]
        )
        assert not later[0].delivery_count, "it was delivered once"
        os.kill(pid, signal.SIGKILL)
    with watched.worker():
        eventually(lambda: len(watched.probe.notes()) == len(events))
        eventually(lambda: not watched.waiting())


def test_events_wait_in_the_outbox_while_service_bus_is_away_and_no_log_has_its_key(watched):
    with watched.worker():
        watched.server.stop()
        [event] = watched.probe.publish(sent())
        eventually(lambda: "relay pauses" in watched.log and "pauses receiving" in watched.log)
        assert OutboxEntry.objects.filter(message_id=event.meta.id).exists()
        assert not DeadLetter.objects.exists()
        watched.server.start()
        eventually(lambda: watched.probe.notes(event.probe_id), within=30)

        watched.lose_subscriptions()
        eventually(lambda: "run manage.py servicebus_topology" in watched.log)
    assert KEY not in watched.log


def test_with_sessions_events_of_an_aggregate_keep_their_order(probe_table, tmp_path):
    watched = Watched(tmp_path, SHOP_SERVICEBUS_SESSIONS="1")
    probes = [uuid7() for _ in range(5)]
    try:
        with watched.worker():
            for number in range(6):
                watched.probe.publish(*(sent("note", number, probe) for probe in probes))
            watched.probe.publish(*(ProbeNudged(probe_id=probe) for probe in probes))
            eventually(lambda: len(watched.probe.notes()) == 7 * len(probes), within=40)

        seen = defaultdict(list)
        for session, event in _read_sessions(watched.client, len({shard_of(probe) for probe in probes})):
            assert session == str(shard_of(UUID(event["subject"])))
            seen[event["subject"]].append(event["data"]["number"])
        assert seen == {str(probe): list(range(6)) for probe in probes}
    finally:
        watched.client.close()
        watched.server.stop()


def _read_sessions(client: ServiceBusClient, count: int) -> Iterator[tuple[str, dict]]:
    """Read what ``count`` sessions of the foreign reader's subscription hold."""
    for _ in range(count):
        receiver = client.get_subscription_receiver(
            "shop.events", READER, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1, **QUICK
        )
        with receiver:
            for message in receiver:
                body = json.loads(b"".join(message.body))
                for event in body if isinstance(body, list) else [body]:
                    yield receiver.session.session_id, event
                receiver.complete_message(message)


def outgoing(entry_id: int, type_: str = ProbeSent.type, body: str = "{}") -> Outgoing:
    return Outgoing(entry_id, uuid7(), type_, "", {}, body)


class TestPublisher:
    @pytest.fixture
    def publisher(self, watched, settings):
        settings.SHOP_EVENT_BUS = watched.server.url()
        with event_bus(Celery(set_as_current=False)).publisher() as publisher:
            yield publisher

    def test_what_no_consumer_reads_is_unroutable(self, publisher):
        receipt = publisher.publish([outgoing(1), outgoing(2, "tests.Nothing.v1"), outgoing(3)])

        assert receipt.confirmed == {1, 3}
        assert receipt.unroutable == {2}

    def test_an_event_larger_than_a_message_holds_nobody_up(self, publisher):
        huge = outgoing(2, body=json.dumps("x" * 300_000))

        receipt = publisher.publish([outgoing(1), huge, outgoing(3)])

        assert receipt.confirmed == {1, 3}
        assert receipt.unroutable == {2}

    def test_a_bundle_too_large_in_utf_8_is_sent_in_parts(self, publisher):
        letters = [outgoing(n, body=json.dumps("😀" * 45_000, ensure_ascii=False)) for n in range(12)]

        assert publisher.publish(letters).confirmed == set(range(12))

    def test_a_batch_goes_in_as_many_messages_as_it_takes(self, publisher):
        receipt = publisher.publish([outgoing(n, body=json.dumps("x" * 9000)) for n in range(200)])

        assert receipt.confirmed == set(range(200))
