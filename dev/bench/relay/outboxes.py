"""Outboxes to be relayed: their tables, their relay programs, and the time to empty them."""

import json
import math
import pickle
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dev.bench import messages
from dev.bench.competitors import jaiminho_publish
from dev.bench.messages import OutgoingEvent
from dev.bench.report.cpu import Meter
from dev.bench.servers import COMPETITORS_PYTHON, HOME, EventBusServer, StompRabbitMQ
from dev.console import say
from dev.errors import ScriptError, ServerFailed
from dev.processes import children, programs
from dev.servers.pgmq import install_pgmq
from dev.servers.postgres import Postgres
from shop.messaging.outbox.channel import CHANNEL
from shop.messaging.outbox.shards import shard_of

_COMPETITOR_SETTINGS = "dev.bench.competitors"
#: Seconds for a start, and for relaying a full outbox.
_TIME_LIMIT = 300.0
#: Seconds between two queries of the outbox; each is one lookup by primary key.
_POLL_INTERVAL = 0.01
#: Events relayed before the clock starts, so that code is warm.
_WARM_UP = 500


@dataclass(frozen=True)
class Outbox:
    """An outbox in a database of its own, with the program that relays it."""

    name: str
    database_url: str
    env: Mapping[str, str]
    #: Command that creates the tables.
    prepare: Sequence[str | Path]
    #: Command of the relay.
    relay: Sequence[str | Path]
    table: str
    columns: str
    row: Callable[[OutgoingEvent], tuple[Any, ...]]
    #: SQL condition of rows to be relayed.
    pending: str = "true"
    #: SQL expression of the last row's key.
    last: str = "max(id)"
    #: SQL statement that wakes the relay.
    notify: str = ""
    #: Events per message.
    events_per_message: int = 1
    #: Share of the events to fill in: less for slow relays.
    share: float = 1.0

    @property
    def log(self) -> Path:
        return HOME / "log" / f"{self.name.replace(' ', '-').replace(',', '')}.log"

    def make_tables(self) -> None:
        """Create the tables in the empty database."""
        child = children.start_child(self.prepare, env=self.env, log=self.log)
        if code := child.wait():
            raise ServerFailed(self.name, f"could not make its tables, exit code {code}", self.log)

    def drain(self, events: Sequence[OutgoingEvent], amqp_url: str) -> tuple[float, float]:
        """Start the relay and fill the outbox.

        Returns the seconds from the commit until the outbox is empty, and the CPU seconds of the relay.
        """
        relay = children.start_child(self.relay, env=self.env, log=self.log)
        try:
            self._drain(relay, events[:_WARM_UP])
            # The first run declares the queues; later ones start with empty queues.
            self._collect(events[:_WARM_UP], amqp_url)
            meter = Meter({self.name: relay.pid})
            with meter.running():
                seconds = self._drain(relay, events)
        finally:
            children.stop_children([relay])
        self._collect(events, amqp_url)
        return seconds, meter.seconds[self.name]

    def _collect(self, events: Sequence[OutgoingEvent], amqp_url: str) -> None:
        """Empty RabbitMQ's queues; other event buses are not emptied."""
        if not amqp_url:
            return
        messages.collect(amqp_url, math.ceil(len(events) / self.events_per_message), self.name)

    def _drain(self, relay: children.Child, events: Sequence[OutgoingEvent]) -> float:
        with psycopg.connect(self.database_url, autocommit=True) as session:
            session.execute(f"truncate {self.table}".encode())
            session.execute("checkpoint")
            last = self._fill(session, events)
            started = time.perf_counter()
            while self._is_left(session, f"id = '{last}'"):
                if children.has_ended(relay):
                    raise ServerFailed(self.name, "has ended", self.log)
                if time.perf_counter() - started > _TIME_LIMIT:
                    raise ScriptError(f"{self.name} does not relay: see {self.log}.")
                time.sleep(_POLL_INTERVAL)
            seconds = time.perf_counter() - started
            if self._is_left(session):
                raise ScriptError(f"{self.name} has not relayed in order: the clock stopped too soon.")
            return seconds

    def _is_left(self, session: psycopg.Connection[Any], which: str = "true") -> bool:
        look = f"select from {self.table} where {which} and {self.pending} limit 1"
        return session.execute(look.encode()).fetchone() is not None

    def _fill(self, session: psycopg.Connection[Any], events: Sequence[OutgoingEvent]) -> object:
        with session.transaction(), session.cursor() as cursor:
            with cursor.copy(f"copy {self.table} ({self.columns}) from stdin".encode()) as copy:
                for event in events:
                    copy.write_row(self.row(event))
            key = f"select {self.last} from {self.table}"  # noqa: S608 - constants only
            (last,) = cursor.execute(key.encode()).fetchall()[0]
            if self.notify:
                cursor.execute(self.notify.encode())
        return last


def shop(postgres: Postgres, rabbitmq: StompRabbitMQ, *, events_per_message: int) -> Outbox:
    """The shop: the worker of the messaging queue, as script/run starts it."""
    url = postgres.create_database(f"bench_shop_{events_per_message}")
    env = {
        **programs.environment(database_url=url, broker_url=rabbitmq.url()),
        "SHOP_EVENTS_PER_MESSAGE": str(events_per_message),
    }
    name = "shop" if events_per_message > 1 else "shop, one event a message"
    return _shop(name, url, env, events_per_message=events_per_message)


def shop_on(name: str, postgres: Postgres, bus: EventBusServer) -> Outbox:
    """The shop on an event bus beside Celery's broker."""
    url, broker = postgres.create_database("bench_shop_bus"), postgres.create_database("bench_broker")
    install_pgmq(broker)
    broker_url = broker.replace("postgresql://", "pgmq://", 1)
    env = programs.environment(database_url=url, broker_url=broker_url, event_bus_url=bus.url())
    return _shop(f"shop on {name}", url, env, events_per_message=1)


def _shop(name: str, url: str, env: Mapping[str, str], *, events_per_message: int) -> Outbox:
    worker = programs.worker(env, programs.RELAY, [programs.RELAY], home=HOME)
    return Outbox(
        name=name,
        database_url=url,
        env=worker.env,
        prepare=[sys.executable, "manage.py", "migrate", "--no-input", "--skip-checks"],
        relay=worker.argv,
        table="messaging_outboxentry",
        columns="shard, message_id, type, queue, headers, body",
        row=lambda event: (shard_of(event.aggregate_id), event.id, event.type, "", "{}", event.body),
        notify=f"notify {CHANNEL}",
        events_per_message=events_per_message,
    )


def django_outbox_pattern(postgres: Postgres, rabbitmq: StompRabbitMQ) -> Outbox:
    """django-outbox-pattern: STOMP without confirms, row by row, in one transaction for all rows."""
    url = postgres.create_database("bench_outbox_pattern")
    return Outbox(
        name="django-outbox-pattern",
        database_url=url,
        env={
            **_competitor_env("outbox_pattern", url),
            "BENCH_STOMP_PORT": str(rabbitmq.stomp_port),
            "BENCH_STOMP_USER": "shop",
            "BENCH_STOMP_PASSWORD": rabbitmq.password,
        },
        prepare=_competitor("migrate"),
        relay=_competitor("publish"),
        table="published",
        columns="id, destination, body, headers, added, expires_at, retry, status",
        row=_stomp_row,
        pending="status = 1",
        last="min(id::text)",
    )


def _stomp_row(event: OutgoingEvent) -> tuple[Any, ...]:
    destination = f"/exchange/{messages.EXCHANGE}/{event.type}"
    # Without this RabbitMQ does not persist STOMP messages.
    headers = json.dumps({"persistent": "true"})
    return (event.id, destination, event.body, headers, "now", "tomorrow", 0, 1)


def django_celery_outbox(postgres: Postgres, rabbitmq: StompRabbitMQ, *, confirms: bool) -> Outbox:
    """django-celery-outbox: Celery tasks, one by one, with or without confirms."""
    url = postgres.create_database(f"bench_celery_outbox_{'confirmed' if confirms else 'unconfirmed'}")
    return Outbox(
        name=f"django-celery-outbox, {'confirms' if confirms else 'no confirms'}",
        database_url=url,
        env={
            **_competitor_env("celery_outbox", url),
            "BENCH_AMQP_URL": rabbitmq.url(),
            "BENCH_CONFIRMS": "1" if confirms else "0",
        },
        prepare=_competitor("migrate"),
        relay=_competitor("celery_outbox_relay", "--batch-size", "1000", "--idle-time", "0.05"),
        table="celery_outbox",
        columns="task_id, task_name, args, kwargs, options, created_at, retries, schema_version",
        row=_task_row,
        share=0.1 if confirms else 1.0,
    )


def _task_row(event: OutgoingEvent) -> tuple[Any, ...]:
    options = json.dumps({"exchange": messages.EXCHANGE, "routing_key": event.type})
    return (str(event.id), event.type, f"[{event.body}]", "{}", options, "now", 0, 1)


def django_jaiminho(postgres: Postgres, rabbitmq: StompRabbitMQ, *, confirms: bool) -> Outbox:
    """django-jaiminho: a function call for each row, each in a transaction of its own."""
    url = postgres.create_database(f"bench_jaiminho_{'confirmed' if confirms else 'unconfirmed'}")
    return Outbox(
        name=f"django-jaiminho, {'confirms' if confirms else 'no confirms'}",
        database_url=url,
        env={
            **_competitor_env("jaiminho", url),
            "BENCH_AMQP_URL": rabbitmq.url(),
            "BENCH_CONFIRMS": "1" if confirms else "0",
        },
        prepare=_competitor("migrate"),
        relay=_competitor("events_relay", "--run-in-loop", "--loop-interval", "0.01"),
        table="jaiminho_event",
        columns="message, function, created_at, strategy",
        row=_call_row,
        share=0.1 if confirms else 1.0,
    )


def _call_row(event: OutgoingEvent) -> tuple[Any, ...]:
    # The decorator stores a pickled reference to the function: dill writes it as pickle does.
    arguments = pickle.dumps((event.body, messages.EXCHANGE, event.type))
    # It relays in the order of created_at, so the times have to differ.
    time_of_event = json.loads(event.body)["time"]
    return (arguments, pickle.dumps(jaiminho_publish.publish), time_of_event, "keep-order")


def _competitor_env(settings: str, url: str) -> dict[str, str]:
    env = programs.environment(database_url=url, broker_url="")
    return {**env, "DJANGO_SETTINGS_MODULE": f"{_COMPETITOR_SETTINGS}.{settings}", "BENCH_DATABASE_URL": url}


def _competitor(*arguments: str) -> list[str | Path]:
    return [COMPETITORS_PYTHON, "-m", "django", *arguments]


def make_tables(outboxes: Sequence[Outbox]) -> None:
    """Create the tables of all outboxes."""
    for outbox in outboxes:
        say(f"Preparing {outbox.name} ...")
        outbox.make_tables()
