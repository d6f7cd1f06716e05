"""The embedded broker: visibility timeouts and the dead queue."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import transaction

from shop.ids import uuid7
from shop.messaging.outbox import append
from shop.messaging.relay.relay import connect
from tests.contracts.conftest import Probe, environment, started_worker
from tests.contracts.probe.consumers import LEAVE
from tests.contracts.probe.events import ProbeSent
from tests.support.forks import Fork
from tests.support.servers import EmbeddedBroker, fresh_database
from tests.support.waiting import eventually


class Watched:
    """Worker on an embedded broker of its own, observed in the broker's tables."""

    def __init__(self, database_url: str, home: Path) -> None:
        self.probe = Probe(EmbeddedBroker(database_url).url)
        self._log = home / "log"
        self._session = psycopg.connect(database_url, autocommit=True)

    @contextmanager
    def worker(self, visibility: int) -> Iterator[Fork]:
        """Run the worker with a visibility timeout of ``visibility`` seconds."""
        options = {"SHOP_VISIBILITY_TIMEOUT_SECONDS": str(visibility)}
        env = environment(self.probe.broker_url, settings="tests.contracts.settings", **options)
        with started_worker(env, self._log, processes=1) as process:
            yield process

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the worker busy with one event throughout the block."""
        with connect() as session:
            session.execute("SELECT pg_advisory_lock(%s)", [LEAVE])
            self.probe.publish(ProbeSent(probe_id=uuid7(), behaviour="wait"))
            eventually(lambda: self.deliveries() == [1])
            yield
        eventually(lambda: not self.deliveries())

    def deliveries(self, queue: str = "tests.events") -> list[int]:
        """Return the delivery count of each message in a queue."""
        table = f"pgmq.q_{queue.replace('.', '_')}"
        return [count for (count,) in self._session.execute(f"SELECT read_ct FROM {table}".encode())]

    def due(self) -> datetime:
        """Return the earliest time at which a message becomes visible again."""
        row = self._session.execute("SELECT min(vt) FROM pgmq.q_tests_events").fetchone()
        assert row
        return row[0]

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def watched(server_url: str, probe_table: None, tmp_path: Path) -> Iterator[Watched]:
    with fresh_database(server_url) as url, closing(Watched(url, tmp_path)) as watched:
        yield watched


def test_neither_what_takes_long_nor_what_waits_for_it_is_delivered_again(watched: Watched) -> None:
    visibility = 6  # as short as leaves a loaded machine time
    with watched.worker(visibility), watched.running():
        watched.probe.publish(ProbeSent(probe_id=uuid7()))
        eventually(lambda: watched.deliveries() == [1, 1])
        late = watched.due() + timedelta(seconds=2 * visibility)
        eventually(lambda: watched.due() > late, within=60)
        assert watched.deliveries() == [1, 1]
    assert sorted(what for what, _ in watched.probe.notes()) == ["note", "wait"]


def test_a_worker_that_stops_has_all_the_time_for_what_it_runs(watched: Watched) -> None:
    with watched.worker(visibility=600) as process, watched.running():
        first = watched.due()
        process.terminate()
        eventually(lambda: watched.due() > first)
    assert watched.probe.notes() == [("wait", 1)]


def test_an_unreadable_message_moves_to_the_dead_queue(watched: Watched) -> None:
    with watched.worker(visibility=600):
        with transaction.atomic():
            append.enqueue(
                message_id=uuid7(),
                aggregate_id=uuid7(),
                type=ProbeSent.type,
                queue="tests.events",
                body="no JSON",
                headers={},
            )
        eventually(lambda: watched.deliveries("tests.dead") == [0])
        eventually(lambda: not watched.deliveries())
