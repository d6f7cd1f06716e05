"""``script/bench memory``: memory of relay and worker over many events.

Each order counts as five events, as in the chain. They pass a relay, RabbitMQ and a worker, whose consumer
writes an inbox row and a row of its own in batches.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from dev.bench.consuming import contestants
from dev.bench.consuming.command import prepared
from dev.bench.consuming.contestants import Servers
from dev.bench.consuming.context.events import ParcelWeighed
from dev.bench.messages import OutgoingEvent
from dev.bench.report.figures import Series
from dev.bench.report.time_series import TimeSeries
from dev.bench.servers import HOME
from dev.console import say
from dev.errors import ScriptError
from dev.processes import children, programs
from dev.processes.supervisor import Supervisor
from shop.messaging.outbox.channel import CHANNEL
from shop.messaging.outbox.shards import shard_of

#: OrderCreated, PaymentProcessed, InventoryUpdated, OrderShipped and OrderDelivered.
EVENTS_OF_AN_ORDER = 5
_WARM_UP = 500
_IDLE_TIMEOUT = 60.0
_NAMES = ("relay, main", "relay, pool", "worker, main", "worker, pool")
_COPY = "copy messaging_outboxentry (shard, message_id, type, queue, headers, body) from stdin"


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    orders: int
    #: Orders between two samples.
    step: int


def measure(plan: Plan) -> TimeSeries:
    """Process all events by new processes in each run. The report has the samples of the last run."""
    what = f"{plan.orders:,} orders' worth, {EVENTS_OF_AN_ORDER} events each"
    report = TimeSeries(f"Memory: {what}", columns=("orders", *(f"{name} (MB)" for name in _NAMES)))
    growths = []
    with prepared() as where:
        for run in range(1, plan.runs + 1):
            report.rows = list(_samples(plan, where))
            growths.append(_growth(report.rows))
            say(f"run {run} of {plan.runs}: grown by {', '.join(f'{mb:.1f}' for mb in growths[-1])} MB")
    report.series = [
        Series(f"{name}: grown after the first step", "MB", values)
        for name, values in zip(_NAMES, zip(*growths, strict=True), strict=True)
    ]
    return report


def _growth(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the growth from the first sample with work done: imports and caches do not count."""
    return [last - first for first, last in zip(rows[min(1, len(rows) - 1)][1:], rows[-1][1:], strict=True)]


def _samples(plan: Plan, where: Servers) -> Iterator[Sequence[float]]:
    env = contestants.environment(where)
    queues = (programs.RELAY, "dev")
    with (
        Supervisor(HOME / "log", report=say) as supervisor,
        psycopg.connect(where.database_url, autocommit=True) as session,
    ):
        supervisor.start(*(programs.worker(env, queue, [queue], home=HOME) for queue in queues))
        supervisor.wait_ready()
        running = [supervisor[queue].child for queue in queues]
        _push(session, _WARM_UP)
        yield _sample(0, running)
        for orders in range(plan.step, plan.orders + 1, plan.step):
            _push(session, plan.step * EVENTS_OF_AN_ORDER)
            supervisor.tend()
            yield _sample(orders, running)


def _sample(orders: int, running: Sequence[children.Child]) -> Sequence[float]:
    pids = [pid for child in running for pid in (child.pid, children.child_pids(child)[0])]
    sizes = [psutil.Process(pid).memory_info().rss / 1e6 for pid in pids]
    say(f"{orders:,} orders: {', '.join(f'{size:.1f}' for size in sizes)} MB")
    return (orders, *sizes)


def _push(session: psycopg.Connection[Any], count: int) -> None:
    """Put ``count`` events into the outbox and wait until they are consumed."""
    contestants.empty(session)
    events = contestants.make_events(ParcelWeighed, count)
    with session.transaction(), session.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for event in events:
                copy.write_row(_row(event))
        cursor.execute(f"notify {CHANNEL}".encode())
    seen, progress = 0, time.monotonic()
    while (now := contestants.consumed(session)) < count:
        if now > seen:
            seen, progress = now, time.monotonic()
        if time.monotonic() - progress > _IDLE_TIMEOUT:
            raise ScriptError(f"{now} of {count} events are consumed, and no more: see {HOME / 'log'}.")
        time.sleep(0.1)


def _row(event: OutgoingEvent) -> tuple[Any, ...]:
    return (shard_of(event.aggregate_id), event.id, event.type, "", "{}", event.body)
