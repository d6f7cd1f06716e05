"""Who consumes: how the queue of each is filled, which program empties it, and what that takes."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from dev.bench import messages, raw
from dev.bench.consuming import bare
from dev.bench.consuming.context.events import ParcelMeasured, ParcelWeighed
from dev.bench.consuming.naive import wire
from dev.bench.messages import Letter
from dev.bench.report.cpu import Meter
from dev.bench.servers import HOME
from dev.errors import ScriptError, ServerFailed
from dev.processes import children, programs
from shop.ids import uuid7

_CONTEXT = "dev.bench.consuming.context.settings"
_NAIVE = "dev.bench.consuming.naive"
#: Seconds for starting a program, and without progress.
_PATIENCE = 60.0
#: Seconds between two looks at the table; each costs one lookup by primary key.
_LOOK = 0.01
#: The share of the queue that is consumed before the clock starts: the program is up, and its code is warm.
_WARM_UP = 0.1

Event = type[ParcelWeighed] | type[ParcelMeasured]


@dataclass(frozen=True)
class Servers:
    """Where everybody consumes, and the processes that serve it."""

    database_url: str
    broker_url: str
    pids: Mapping[str, int]


@dataclass(frozen=True)
class Cost:
    """What a delivery took."""

    rate: float
    #: Microseconds of CPU by process.
    cpu: dict[str, float]


@dataclass(frozen=True)
class Rival:
    """A program that consumes from a queue of its own."""

    name: str
    servers: Servers
    queue: str
    fill: Callable[[Sequence[Letter]], None]
    argv: Sequence[str | Path]
    env: Mapping[str, str]
    event: Event = ParcelWeighed
    #: How much of the queue is filled: less where each message takes its time, for the run has to end.
    share: float = 1.0

    @property
    def log(self) -> Path:
        return HOME / "log" / f"{self.name.replace(' ', '-').replace(',', '')}.log"

    def consume(self, count: int) -> Cost:
        """Fill the queue, start the program, and measure from its first tenth to the end."""
        letters = write(self.event, int(count * self.share))
        with psycopg.connect(self.servers.database_url, autocommit=True) as session:
            empty(session)
            self._fill(letters)
            session.execute("checkpoint")
            program = children.start_child(self.argv, env=self.env, log=self.log)
            try:
                return self._measure(program, session, len(letters))
            finally:
                children.stop_children([program])

    def _fill(self, letters: Sequence[Letter]) -> None:
        self.fill(letters)
        deadline = time.monotonic() + _PATIENCE
        with messages.connect(self.servers.broker_url) as connection:
            while messages.depth(connection.channel(), self.queue) < len(letters):
                if time.monotonic() > deadline:
                    raise ScriptError(f"{self.name}: not all messages got into {self.queue}.")
                time.sleep(0.1)

    def _measure(self, program: children.Child, session: psycopg.Connection[Any], count: int) -> Cost:
        first = self._await(program, session, int(count * _WARM_UP))
        pool = [("pool", pid) for pid in children.offspring(program)[:1]]
        meter = Meter({"all": program.pid, **dict(pool), **self.servers.pids})
        started = time.perf_counter()
        with meter.running():
            consumed = self._await(program, session, count) - first
        seconds = time.perf_counter() - started
        return Cost(consumed / seconds, _by_process(meter.seconds, consumed))

    def _await(self, program: children.Child, session: psycopg.Connection[Any], count: int) -> int:
        """Wait until so many are consumed; return how many are."""
        seen, progress = 0, time.monotonic()
        while (now := consumed(session)) < count:
            if children.has_ended(program):
                raise ServerFailed(self.name, "has ended", self.log)
            if now > seen:
                seen, progress = now, time.monotonic()
            if time.monotonic() - progress > _PATIENCE:
                raise ScriptError(f"{self.name} has consumed {now} of {count} and stands still: {self.log}.")
            time.sleep(_LOOK)
        return now


def empty(session: psycopg.Connection[Any]) -> None:
    """Forget what was consumed."""
    session.execute("truncate bench_weighing, bench_seen, messaging_inboxentry restart identity")


def consumed(session: psycopg.Connection[Any]) -> int:
    """How many messages have been consumed."""
    row = session.execute("select coalesce(max(id), 0) from bench_weighing").fetchone()
    return int(row[0]) if row else 0


def _by_process(seconds: Mapping[str, float], consumed: int) -> dict[str, float]:
    used = {name: 1e6 * value / consumed for name, value in seconds.items()}
    pool = used.pop("pool", 0.0)
    program = {"main": used["all"] - pool, "pool": pool} if pool else {"program": used["all"]}
    return {**program, **{name: value for name, value in used.items() if name != "all"}}


def write(event: Event, count: int) -> list[Letter]:
    """``count`` events about different parcels."""
    return [
        messages.letter_of(event(order_id=uuid7(), parcel_id=uuid7(), grams=number, scale="Hall 3, lane 14"))
        for number in range(count)
    ]


def environment(servers: Servers) -> dict[str, str]:
    """What shop's processes have to know to have the bench's context on board."""
    env = programs.environment(database_url=servers.database_url, broker_url=servers.broker_url)
    return env | {"DJANGO_SETTINGS_MODULE": _CONTEXT}


def shop(servers: Servers, event: Event, name: str) -> Rival:
    """Ours: the worker that serves a context's queue, as script/run starts it."""
    worker = programs.worker(environment(servers), "dev", ["dev"], home=HOME)
    worker.readiness.reset()  # it makes the folder
    return Rival(
        name=name,
        servers=servers,
        queue="dev.events",
        fill=lambda letters: _publish(servers, letters),
        argv=worker.argv,
        env=worker.env,
        event=event,
    )


def bare_loop(servers: Servers) -> Rival:
    """py-amqp and psycopg, in batches as large as shop's."""
    return Rival(
        name="bare py-amqp and psycopg",
        servers=servers,
        queue=bare.QUEUE,
        fill=lambda letters: _publish(servers, [replace(letter, type=bare.QUEUE) for letter in letters]),
        argv=[sys.executable, "-m", bare.__name__],
        env=environment(servers),
    )


def _publish(servers: Servers, letters: Sequence[Letter]) -> None:
    raw.publish(servers.broker_url, letters)


def naive(servers: Servers, *, keep: bool) -> Rival:
    """A task and a transaction of the ORM for each message."""
    env = environment(servers) | {
        "DJANGO_SETTINGS_MODULE": f"{_NAIVE}.settings",
        "BENCH_KEEP": "1" if keep else "0",
    }
    celery = (sys.executable, "-m", "celery", "-A", f"{_NAIVE}.app")
    quiet = ("--without-heartbeat", "--without-gossip", "--without-mingle", "-l", "WARNING")
    return Rival(
        name=f"a task for each{', connection kept' if keep else ''}",
        servers=servers,
        queue=wire.QUEUE.name,
        fill=lambda letters: wire.send(servers.broker_url, [_arguments(letter) for letter in letters]),
        argv=[*celery, "worker", "-Q", "naive", "-c", "1", *quiet],
        env=env,
        share=0.25 if keep else 0.1,
    )


def _arguments(letter: Letter) -> dict[str, Any]:
    return {"event_id": str(letter.id), "parcel_id": str(letter.aggregate_id), "grams": 1}
