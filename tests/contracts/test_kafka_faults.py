"""Killed workers and brokers on Kafka: on Tansu, and on Apache Kafka itself in a long run."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection, transaction

from dev.servers.kafka import Kafka
from shop.ids import uuid7
from shop.messaging.bus.kafka.cluster import Cluster
from shop.messaging.bus.kafka.listener import Listener
from shop.messaging.bus.kafka.suspicion import LAST_START, SUSPECT_STARTS
from shop.messaging.models import OutboxEntry
from shop.messaging.publishing import publish as publish_event
from tests.contracts.conftest import environment, started_worker
from tests.contracts.kafka_members import Member, committed, outgoing, publish
from tests.contracts.probe.events import ProbeSent
from tests.faults.seeds import LONG
from tests.support.forks import Fork
from tests.support.servers import unique_name
from tests.support.waiting import eventually

long_run = pytest.mark.skipif(not LONG, reason="script/test --long runs Apache Kafka")

StartWorker = Callable[[str], Fork]


@pytest.fixture
def workers(request, probe_table, tmp_path) -> Iterator[Callable[[str], StartWorker]]:
    """Start workers on an event bus by name, and stop in the end those that live."""
    with ExitStack() as stack:

        def on(url: str) -> StartWorker:
            def start(name: str) -> Fork:
                env = environment(url, settings="tests.contracts.settings")
                log = Path(tmp_path, f"{name}-{time.monotonic_ns()}", name)
                log.parent.mkdir()
                return stack.enter_context(started_worker(env, log, processes=2))

            return start

        yield on


def publish_numbered(numbers: range) -> None:
    with transaction.atomic():
        for number in numbers:
            publish_event(ProbeSent(probe_id=uuid7(), number=number))


def effects() -> Counter[str]:
    """Return how often each event has taken effect."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT probe_id::text FROM probe_note")
        return Counter(row[0] for row in cursor.fetchall())


def processes() -> set[int]:
    """Return the processes that have consumed something."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT pid FROM probe_note")
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.timeout(300)
def test_workers_that_join_and_are_killed_under_load_lose_nothing(workers):
    start = workers(os.environ["TANSU_URL"] + unique_name())
    start("first")
    published = 0

    def more(until: Callable[[], object]) -> bool:
        nonlocal published
        publish_numbered(range(published, published + 50))
        published += 50
        return bool(until())

    eventually(lambda: more(processes), within=60)
    alone = processes()
    second = start("second")
    eventually(lambda: more(lambda: len(processes() - alone) > 1), within=60)
    second.kill()
    for _ in range(20):
        more(lambda: None)
    start("second")  # Tansu keeps a static member's partitions for it, however long it is dead

    eventually(lambda: len(effects()) == published, within=90)
    assert set(effects().values()) == {1}
    assert not OutboxEntry.objects.exists()


@long_run
@pytest.mark.timeout(600)
def test_eight_thousand_events_survive_killed_workers_and_brokers(workers, kafka_node: Kafka):
    start = workers(kafka_node.url(unique_name()))
    living = [start("first"), start("second")]
    for number in range(8):
        publish_numbered(range(number * 1000, number * 1000 + 1000))
        eventually(lambda: len(effects()) > number * 1000, within=120)  # noqa: B023
        if number % 3 == 1:
            kafka_node.kill()
            kafka_node.start()
        elif number % 3 == 2:
            living.pop(0).kill()
            living.append(start(f"worker-{number}"))

    eventually(lambda: len(effects()) == 8000, within=300)
    assert set(effects().values()) == {1}
    assert not OutboxEntry.objects.exists()


@long_run
@pytest.mark.timeout(300)
def test_a_record_that_its_workers_die_over_is_given_up(settings, kafka_node: Kafka, monkeypatch):
    settings.SHOP_EVENT_BUS = url = kafka_node.url(unique_name())
    aggregate = uuid7()
    publish([outgoing(number, aggregate) for number in range(30)])
    monkeypatch.setattr(Listener, "_commit_at_end", lambda *args: None)  # it dies, and commits nothing
    lives = []
    for _ in range(LAST_START + 1):
        died = Member("poisoned@test", keeps=True)
        eventually(lambda: died.records, within=60)  # noqa: B023
        lives.append(died)
        died.close()

    assert len(lives[0].records) == 30, "at first all records are handed over"
    assert {len(one.records) for one in lives[SUSPECT_STARTS - 1 :]} == {1}, "suspects are, one by one"
    assert [len(one.errors) for one in lives] == [0] * LAST_START + [1]
    assert f"{LAST_START} times" in str(lives[-1].errors[0])

    monkeypatch.undo()
    settings.SHOP_EVENT_BUS = url
    well = Member("well@test")
    eventually(lambda: len(well.records) == 30)
    well.close()
    partition = well.records[0].partition
    group = Cluster.from_url(url).name("shop.tests")
    assert committed(url, group, partition).offset == well.records[-1].offset + 1
