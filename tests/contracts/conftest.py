"""Worker process with relay, bridge and pool on each of the three brokers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from kombu import Connection
from psycopg.errors import DeadlockDetected

from shop.messaging.bus.transport_settings import scheme_of, transport_settings
from shop.messaging.contracts import Event
from shop.messaging.publishing import publish
from tests.contracts.probe import consumers  # noqa: F401 - registers them
from tests.faults.seeds import LONG
from tests.support import forks
from tests.support.servers import unique_name
from tests.support.servicebus import service_bus
from tests.support.waiting import eventually

#: Environment variable of the broker's URL, by scheme.
SCHEMES = {"amqp": "AMQP_URL", "pgmq": "PGMQ_URL", "memory": "", "kafka": "TANSU_URL", "sb": ""}
#: Schemes of event buses beside Celery's broker.
EVENT_BUSES = {"kafka", "sb"}
#: Only with ``script/test --long``.
if LONG:
    SCHEMES["kafka09"] = ""


@pytest.fixture(scope="session")
def probe_table(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS probe_note (probe_id uuid, what text, size int, pid int)")


@pytest.fixture(params=SCHEMES, scope="module")
def broker_url(request) -> str:
    """URL of each broker in turn."""
    if request.param == "memory":
        return "memory://"
    if request.param == "kafka09":
        return request.getfixturevalue("kafka_node").url(unique_name())
    if request.param == "sb":
        return request.getfixturevalue("service_bus_url")
    url = os.environ.get(SCHEMES[request.param], "")
    if not url:
        pytest.skip(f"{SCHEMES[request.param]} is not set")
    return url + unique_name() if request.param in EVENT_BUSES else url


@pytest.fixture(scope="session")
def service_bus_url(tmp_path_factory) -> Iterator[str]:
    """Connection string of a namespace with the entities of all consumers."""
    with service_bus(tmp_path_factory.mktemp("servicebus"), preferred_port=30672) as url:
        yield url


@pytest.fixture(scope="module")
def worker(broker_url, probe_table, django_db_blocker, tmp_path_factory) -> Iterator[forks.Fork]:
    """Worker that serves the probe's queue and relays."""
    log = tmp_path_factory.mktemp("worker") / "log"
    with django_db_blocker.unblock():
        env = environment(broker_url, settings="tests.contracts.settings")
    with started_worker(env, log, processes=2) as process:
        yield process


def environment(broker_url: str, *, settings: str, **more: str) -> dict[str, str]:
    """Return the environment of a process that uses the tests' database."""
    database = connection.settings_dict
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": settings,
        **broker_settings(broker_url),
        "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@"
        f"{database['HOST']}:{database['PORT']}/{database['NAME']}",
        "DJANGO_DEBUG": "1",
        "CELERY_SKIP_CHECKS": "1",  # saves each worker a second
        **more,
    }


def broker_settings(url: str) -> dict[str, str]:
    """Return the settings of Celery's broker and the event bus."""
    if scheme_of(url) in EVENT_BUSES:
        # Celery's own tasks stay in the process: a shared broker would hand it those of other tests.
        return {"CELERY_BROKER_URL": "memory://", "SHOP_EVENT_BUS": url}
    return {"CELERY_BROKER_URL": url, "SHOP_EVENT_BUS": ""}


@contextmanager
def started_worker(env: dict[str, str], log: Path, *, processes: int) -> Iterator[forks.Fork]:
    """Run a worker that serves the tests' queue and relays, and stop it in the end."""
    celery = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-Q", "tests,messaging", "-l", "INFO"]
    flags = [
        "-c",
        str(processes),
        "-n",
        f"{log.stem}@%h",
        "--without-heartbeat",
        "--without-gossip",
        "--without-mingle",
    ]
    log.unlink(missing_ok=True)
    process = forks.start_child([*celery, *flags], env=env, log=log)
    try:
        eventually(lambda: b"ready." in log.read_bytes() or process.poll(), within=60)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        _stop(process)
        print(log.read_text()[-20_000:])


def _stop(process: forks.Fork) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def _flush_beside_a_worker(monkeypatch, django_db_blocker) -> None:
    """Flush again after a deadlock with a worker, which may be settling messages of the test that ended."""
    flush = connection.ops.execute_sql_flush

    def flush_or_flush_again(statements: list[str]) -> None:
        try:
            flush(statements)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            flush(statements)

    monkeypatch.setattr(connection.ops, "execute_sql_flush", flush_or_flush_again)


@pytest.fixture(autouse=True)
def _emptied(probe_table, _flush_beside_a_worker, transactional_db) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE probe_note")


class Probe:
    """Publishes events to the probe context and reads its notes."""

    def __init__(self, broker_url: str) -> None:
        self.broker_url = broker_url
        self._published: list[UUID] = []

    @property
    def is_amqp(self) -> bool:
        return self.broker_url.startswith("amqp")

    def publish(self, *events: Event) -> list[Event]:
        """Publish events in one transaction."""
        self._published += [event.aggregate_id for event in events]
        with transaction.atomic():
            return [publish(event) for event in events]

    def notes(self, probe_id: UUID | None = None) -> list[tuple[str, int]]:
        """Return behaviour and batch size of each consumed event: of one probe, or of all published here."""
        wanted = [probe_id] if probe_id else self._published
        with connection.cursor() as cursor:
            # The worker may still be about to consume what an earlier test left.
            cursor.execute("SELECT what, size FROM probe_note WHERE probe_id = ANY(%s)", [wanted])
            return cursor.fetchall()

    def broker(self) -> Connection:
        """Return a connection to the broker, which the caller closes."""
        options = transport_settings(self.broker_url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
        return Connection(self.broker_url, transport_options=options)


@pytest.fixture
def probe(worker, broker_url) -> Probe:
    return Probe(broker_url)
