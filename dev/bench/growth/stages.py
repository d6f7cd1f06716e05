"""Stages at which a growing shop is measured, and the load in between."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command

from console.seeding import seed
from dev.bench.growth import load, operations, sizes
from dev.bench.growth.operations import Operation
from shop.messaging.operations import retention
from shop.messaging.pruning import Pruned
from shop.messaging.relay import relay

#: Events in the log at the first measurement.
_YOUNG = 10_000
#: Seconds for autovacuum to clean up; it starts once a minute.
_TIME_LIMIT = 240

Line = dict[str, Any]


def simulate(*, days: int, orders_per_day: int, log_events: int, samples: int) -> Iterator[Line]:
    """Simulate the days; yield messages and measured series."""
    call_command("migrate", verbosity=0)
    seed()
    with relay.connect() as session:
        load.prepare(session)
        load.grow_log(session, to=_YOUNG)
        yield from _measure(session, "young", operations.all_operations(session), samples)
        for day in range(1, days + 1):
            yield from _simulate_day(session, day, days, orders_per_day)
            if day in {1, days}:
                yield from _measure(session, f"day {day}", operations.all_operations(session), samples)
                yield from sizes.tables(session, f"day {day}")
        yield from _hold_back(session, orders_per_day, samples)
        yield from _prune(days)
        if log_events:
            yield {"message": f"The log alone grows to {log_events:,} events ..."}
            load.grow_log(session, to=log_events)
            yield from _measure(
                session, f"{log_events / 1e6:.3g} M", operations.all_operations(session), samples
            )
            yield from sizes.tables(session, f"{log_events / 1e6:.3g} M")


def _simulate_day(session: psycopg.Connection[Any], day: int, days: int, orders: int) -> Iterator[Line]:
    started = time.monotonic()
    load.process_orders(session, orders=orders, ago=timedelta(days=days - day))
    yield {"message": f"day {day}: {orders:,} orders in {time.monotonic() - started:.0f} s"}


def _measure(
    session: psycopg.Connection[Any], stage: str, measured: list[Operation], samples: int
) -> Iterator[Line]:
    session.execute("CHECKPOINT")  # the bulk writes must not be flushed during the measurement
    for operation, values in operations.time_all(measured, samples).items():
        yield {"name": f"{operation.name}: {stage}", "unit": "ms", "values": values}


def _hold_back(session: psycopg.Connection[Any], orders: int, samples: int) -> Iterator[Line]:
    """Measure with a transaction left open for a tenth of a day: dead rows cannot be removed."""
    with relay.connect() as forgotten:
        forgotten.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        forgotten.execute("SELECT count(*) FROM messaging_outboxentry")
        load.process_orders(session, orders=max(orders // 10, 1), ago=timedelta())
        yield from _measure(session, "transaction left open", operations.queue_operations(session), samples)
        yield from sizes.queues(session, "transaction left open")
        forgotten.execute("ROLLBACK")
    waited = _await_clean(session)
    yield {"message": f"cleaned up {waited:.0f} s after the transaction's end"}
    yield from _measure(session, "after its end", operations.queue_operations(session), samples)
    yield from sizes.queues(session, "after its end")


def _await_clean(session: psycopg.Connection[Any]) -> float:
    """Wait until autovacuum has cleaned up; return the seconds."""
    started = time.monotonic()
    while time.monotonic() - started < _TIME_LIMIT and sizes.dead_in_queues(session) > 1000:
        time.sleep(1)
    return time.monotonic() - started


def _prune(days: int) -> Iterator[Line]:
    """Delete the inbox rows of the first day, in as many runs as the nightly task needs."""
    settings.SHOP_INBOX_RETENTION = timedelta(days=days - 1.5)
    done, started = Pruned(0, finished=False), time.monotonic()
    while not done.finished:
        pruned = retention.prune_inbox()
        done = Pruned(done.rows + pruned.rows, pruned.finished)
    rate = done.rows / (time.monotonic() - started)
    yield {"name": "inbox rows pruned: after its end", "unit": "rows/s", "values": [rate]}
    yield {"message": f"pruned {done.rows:,} inbox rows, {rate:,.0f} a second"}
