"""Contestants of the consume measurement: their queues, their programs, and the cost of a delivery."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from dev.bench import baseline, messages
from dev.bench.consuming import bare
from dev.bench.consuming.context.events import ParcelMeasured, ParcelWeighed
from dev.bench.consuming.naive import wire
from dev.bench.messages import OutgoingEvent
from dev.bench.report.cpu import Meter
from dev.bench.servers import HOME
from dev.errors import ScriptError, ServerFailed
from dev.processes import children, programs
from shop.ids import uuid7
from shop.messaging.signing.events import signed
from shop.messaging.signing.keys import Keyring

#: Signing key of bench and worker.
_KEY = "bench" * 7
_CONTEXT = "dev.bench.consuming.context.settings"
_NAIVE = "dev.bench.consuming.naive"
#: Seconds for a start, and without progress.
_IDLE_TIMEOUT = 60.0
#: Seconds between two queries of the table; each is one lookup by primary key.
_POLL_INTERVAL = 0.01
#: Share of the queue that is consumed before the clock starts, so that code is warm.
_WARM_UP = 0.1

Event = type[ParcelWeighed] | type[ParcelMeasured]


@dataclass(frozen=True)
class Servers:
    """Servers of all contestants."""

    database_url: str
    broker_url: str
    pids: Mapping[str, int]


@dataclass(frozen=True)
class Cost:
    """Cost of a delivery."""

    rate: float
    #: CPU microseconds by process.
    cpu: dict[str, float]


@dataclass(frozen=True)
class Contestant:
    """A program that consumes from a queue of its own."""

    name: str
    servers: Servers
    queue: str
    fill: Callable[[Sequence[OutgoingEvent]], None]
    argv: Sequence[str | Path]
    env: Mapping[str, str]
    event: Event = ParcelWeighed
    #: Share of the events to fill in: less for slow contestants.
    share: float = 1.0

    @property
    def log(self) -> Path:
        return HOME / "log" / f"{self.name.replace(' ', '-').replace(',', '')}.log"

    def consume(self, count: int) -> Cost:
        """Fill the queue, start the program, and measure from the end of the warm-up."""
        events = make_events(self.event, int(count * self.share))
        with psycopg.connect(self.servers.database_url, autocommit=True) as session:
            empty(session)
            self._fill(events)
            session.execute("checkpoint")
            program = children.start_child(self.argv, env=self.env, log=self.log)
            try:
                return self._measure(program, session, len(events))
            finally:
                children.stop_children([program])

    def _fill(self, events: Sequence[OutgoingEvent]) -> None:
        self.fill(events)
        deadline = time.monotonic() + _IDLE_TIMEOUT
        with messages.connect(self.servers.broker_url) as connection:
            while messages.depth(connection.channel(), self.queue) < len(events):
                if time.monotonic() > deadline:
                    raise ScriptError(f"{self.name}: not all messages got into {self.queue}.")
                time.sleep(0.1)

    def _measure(self, program: children.Child, session: psycopg.Connection[Any], count: int) -> Cost:
        first = self._await(program, session, int(count * _WARM_UP))
        pool = [("pool", pid) for pid in children.child_pids(program)[:1]]
        meter = Meter({"all": program.pid, **dict(pool), **self.servers.pids})
        started = time.perf_counter()
        with meter.running():
            consumed = self._await(program, session, count) - first
        seconds = time.perf_counter() - started
        return Cost(consumed / seconds, _by_process(meter.seconds, consumed))

    def _await(self, program: children.Child, session: psycopg.Connection[Any], count: int) -> int:
        """Wait until ``count`` events are consumed; return the number of consumed events."""
        seen, progress = 0, time.monotonic()
        while (now := consumed(session)) < count:
            if children.has_ended(program):
                raise ServerFailed(self.name, "has ended", self.log)
            if now > seen:
                seen, progress = now, time.monotonic()
            if time.monotonic() - progress > _IDLE_TIMEOUT:
                raise ScriptError(f"{self.name} has consumed {now} of {count} and stands still: {self.log}.")
            time.sleep(_POLL_INTERVAL)
        return now


def empty(session: psycopg.Connection[Any]) -> None:
    """Delete the consumed events."""
    session.execute("truncate bench_weighing, bench_seen, messaging_inboxentry restart identity")


def consumed(session: psycopg.Connection[Any]) -> int:
    """Return the number of consumed events."""
    row = session.execute("select coalesce(max(id), 0) from bench_weighing").fetchone()
    return int(row[0]) if row else 0


def _by_process(seconds: Mapping[str, float], consumed: int) -> dict[str, float]:
    used = {name: 1e6 * value / consumed for name, value in seconds.items()}
    pool = used.pop("pool", 0.0)
    program = {"main": used["all"] - pool, "pool": pool} if pool else {"program": used["all"]}
    return {**program, **{name: value for name, value in used.items() if name != "all"}}


def make_events(event: Event, count: int) -> list[OutgoingEvent]:
    """Return ``count`` events about different parcels."""
    return [
        messages.outgoing(event(order_id=uuid7(), parcel_id=uuid7(), grams=number, scale="Hall 3, lane 14"))
        for number in range(count)
    ]


def environment(servers: Servers) -> dict[str, str]:
    """Return the environment of the shop's processes with the bench's context installed."""
    env = programs.environment(database_url=servers.database_url, broker_url=servers.broker_url)
    return env | {"DJANGO_SETTINGS_MODULE": _CONTEXT, "SHOP_SIGNING_KEYS": _KEY}


def shop(servers: Servers, event: Event, name: str) -> Contestant:
    """The shop: the worker of a context, as script/run starts it."""
    worker = programs.worker(environment(servers), "dev", ["dev"], home=HOME)
    worker.readiness.reset()  # creates the folder
    return Contestant(
        name=name,
        servers=servers,
        queue="dev.events",
        fill=lambda events: _publish(servers, [_signed(event) for event in events]),
        argv=worker.argv,
        env=worker.env,
        event=event,
    )


def bare_loop(servers: Servers) -> Contestant:
    """py-amqp and psycopg, with batches of the shop's size."""
    return Contestant(
        name="bare py-amqp and psycopg",
        servers=servers,
        queue=bare.QUEUE,
        fill=lambda events: _publish(servers, [replace(event, type=bare.QUEUE) for event in events]),
        argv=[sys.executable, "-m", bare.__name__],
        env=environment(servers),
    )


def _signed(event: OutgoingEvent) -> OutgoingEvent:
    """Return the event as the relay sends it: workers take no other."""
    body = signed(event.body, event.id, event.type, Keyring([_KEY.encode()]))
    return replace(event, body=body)


def _publish(servers: Servers, events: Sequence[OutgoingEvent]) -> None:
    baseline.publish(servers.broker_url, events)


def naive(servers: Servers, *, keep: bool) -> Contestant:
    """A Celery task and an ORM transaction for each message."""
    env = environment(servers) | {
        "DJANGO_SETTINGS_MODULE": f"{_NAIVE}.settings",
        "BENCH_KEEP": "1" if keep else "0",
    }
    celery = (sys.executable, "-m", "celery", "-A", f"{_NAIVE}.app")
    quiet = ("--without-heartbeat", "--without-gossip", "--without-mingle", "-l", "WARNING")
    return Contestant(
        name=f"a task for each{', connection kept' if keep else ''}",
        servers=servers,
        queue=wire.QUEUE.name,
        fill=lambda events: wire.send(servers.broker_url, [_arguments(event) for event in events]),
        argv=[*celery, "worker", "-Q", "naive", "-c", "1", *quiet],
        env=env,
        share=0.25 if keep else 0.1,
    )


def _arguments(event: OutgoingEvent) -> dict[str, Any]:
    return {"event_id": str(event.id), "parcel_id": str(event.aggregate_id), "grams": 1}
