"""Competitors in the chain: the same four steps for each order, on the same servers."""

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psycopg

from dev.bench.chain.race import WARM_UP, Outcome, Ship
from dev.bench.progress import Progress
from dev.bench.report.cpu import Meter
from dev.bench.servers import COMPETITORS_PYTHON, HOME
from dev.console import say
from dev.errors import ServerFailed
from dev.paths import ROOT
from dev.processes import children, programs
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ

_COMPETITOR_MODULES = "dev.bench.competitors"
#: Protocol of a program that accepts orders: its output when it holds them, and the input to release them.
_READY, _GO = "ready\n", "go\n"
#: Seconds for a start, and for the next order to be done.
_TIME_LIMIT = 120.0
#: Seconds between two queries. The results use the times in the tables.
_POLL_INTERVAL = 0.25
_TIMES = """
    select extract(epoch from placed.created_at)::float, extract(epoch from shipment.created_at)::float
    from placed join shipment using (order_id) where placed.created_at > %s
"""
_REACHED = "select count(*), max(created_at) from {table} where created_at > %s"


@dataclass(frozen=True)
class Competitor:
    """A :class:`Contestant` in the competitors' virtual environment, with a database of its own.

    Its program creates the tables (``prepare``), works (``work NAME``) and accepts orders (``accept COUNT``):
    it prints "ready" when it holds them all, and releases them when it reads a line.
    """

    name: str
    database_url: str
    #: Arguments of Python before the command.
    program: Sequence[str]
    env: Mapping[str, str]
    #: Number of worker programs: enough to use both cores.
    workers: int
    servers: Mapping[str, int] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return HOME / "log" / f"{self.name.replace(' ', '-')}.log"

    def prepare(self) -> None:
        """Create the tables."""
        child = children.start_child(self._argv("prepare"), env=self.env, log=self.log)
        if code := child.wait():
            raise ServerFailed(self.name, f"could not make its tables, exit code {code}", self.log)

    def run(self, orders: int) -> Outcome:
        """Start the workers, warm up, process a backlog, and stop."""
        with self._working() as workers:
            pids = {f"worker {n}": worker.pid for n, worker in enumerate(workers, 1)}
            return self._work_off(orders, workers, Meter(pids | dict(self.servers)))

    @contextlib.contextmanager
    def serving(self) -> Iterator[Ship]:
        """Start the workers, warm up, process orders as they are placed, and stop."""
        with self._working() as workers:
            yield lambda orders, rate: self._ship(orders, rate, workers)

    @contextlib.contextmanager
    def _working(self) -> Iterator[Sequence[children.Child]]:
        workers = [
            children.start_child(self._argv("work", str(n)), env=self.env, log=self.log)
            for n in range(self.workers)
        ]
        try:
            self._work_off(WARM_UP, workers, Meter({}))
            yield workers
        finally:
            children.stop_children(workers)

    def _ship(
        self, orders: int, rate: float, workers: Sequence[children.Child]
    ) -> Sequence[tuple[float, float]]:
        started = datetime.now(UTC)
        placer = children.start_child(self._argv("place", str(orders), str(rate)), env=self.env, log=self.log)
        if code := placer.wait():
            raise ServerFailed(self.name, f"could not place orders, exit code {code}", self.log)
        self._await("notification", orders, started, workers)
        with psycopg.connect(self.database_url) as session:
            return session.execute(_TIMES.encode(), [started]).fetchall()

    def _work_off(self, orders: int, workers: Sequence[children.Child], meter: Meter) -> Outcome:
        say(f"  {self.name}: {orders:,} orders are being accepted")
        with self._accepting(orders) as release, meter.running():
            started = datetime.now(UTC)
            print(_GO, end="", file=release, flush=True)
            shipped = self._await("shipment", orders, started, workers)
            done = self._await("notification", orders, started, workers)
        return Outcome(orders, started, shipped, max(shipped, done), meter.seconds)

    @contextlib.contextmanager
    def _accepting(self, orders: int) -> Iterator[IO[str]]:
        """Hold accepted orders; yield the file to write the release to."""
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                self._argv("accept", str(orders)),
                env=dict(self.env),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as child,
        ):
            assert child.stdin  # noqa: S101 - a pipe
            assert child.stdout  # noqa: S101
            if child.stdout.readline() != _READY:
                raise ServerFailed(self.name, "does not accept orders", self.log)
            yield child.stdin

    def _await(self, table: str, orders: int, since: datetime, workers: Sequence[children.Child]) -> datetime:
        query = _REACHED.format(table=table).encode()
        progress = Progress(self.name, f"have their {table}", orders, timeout=_TIME_LIMIT)
        with psycopg.connect(self.database_url, autocommit=True) as session:
            while True:
                ((count, last),) = session.execute(query, [since]).fetchall()
                if count >= orders:
                    moment: datetime = last
                    return moment
                if any(map(children.has_ended, workers)):
                    raise ServerFailed(self.name, "has ended", self.log)
                progress.note(count)
                time.sleep(_POLL_INTERVAL)

    def _argv(self, *arguments: str) -> list[str | Path]:
        return [COMPETITORS_PYTHON, *self.program, *arguments]


def procrastinate(postgres: Postgres, servers: Mapping[str, int]) -> Competitor:
    """procrastinate: a job for each step, which defers the next in its own transaction."""
    url = postgres.create_database("bench_procrastinate")
    program = ["-m", f"{_COMPETITOR_MODULES}.procrastinate_jobs"]
    return Competitor("procrastinate", url, program, _env(url), workers=2, servers=servers)


def dbos(postgres: Postgres, servers: Mapping[str, int]) -> Competitor:
    """DBOS: a durable workflow for each order, a transaction for each step."""
    url = postgres.create_database("bench_dbos")
    return Competitor(
        "DBOS", url, ["-m", f"{_COMPETITOR_MODULES}.dbos_workflow"], _env(url), workers=2, servers=servers
    )


def idiomatic_celery(postgres: Postgres, rabbitmq: RabbitMQ, servers: Mapping[str, int]) -> Competitor:
    """Django and Celery by the manual: a task and a transaction for each step."""
    url = postgres.create_database("bench_idiomatic")
    env = {
        **_env(url),
        "DJANGO_SETTINGS_MODULE": f"{_COMPETITOR_MODULES}.idiomatic.settings",
        "BENCH_AMQP_URL": rabbitmq.url(),
    }
    program = ["-m", f"{_COMPETITOR_MODULES}.idiomatic"]
    return Competitor("idiomatic Celery", url, program, env, workers=1, servers=servers)


def _env(url: str) -> dict[str, str]:
    return {**programs.environment(database_url=url, broker_url=""), "BENCH_DATABASE_URL": url}
