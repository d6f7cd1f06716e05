"""The ages of a shop at which it is measured, and what it lives through in between."""

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
#: Seconds within which autovacuum has to have cleaned up; it looks once a minute.
_PATIENCE = 240

Line = dict[str, Any]


def live(*, days: int, orders_per_day: int, log_events: int, samples: int) -> Iterator[Line]:
    """Live through the days; yield what is said on the way, and each series that was measured."""
    call_command("migrate", verbosity=0)
    seed()
    with relay.connect() as session:
        load.prepare(session)
        load.grow_log(session, to=_YOUNG)
        yield from _measure(session, "young", operations.all_of(session), samples)
        for day in range(1, days + 1):
            yield from _live_a_day(session, day, days, orders_per_day)
            if day in {1, days}:
                yield from _measure(session, f"day {day}", operations.all_of(session), samples)
                yield from sizes.tables(session, f"day {day}")
        yield from _hold_back(session, orders_per_day, samples)
        yield from _prune(days)
        if log_events:
            yield {"says": f"The log alone grows to {log_events:,} events ..."}
            load.grow_log(session, to=log_events)
            yield from _measure(session, f"{log_events / 1e6:.3g} M", operations.all_of(session), samples)
            yield from sizes.tables(session, f"{log_events / 1e6:.3g} M")


def _live_a_day(session: psycopg.Connection[Any], day: int, days: int, orders: int) -> Iterator[Line]:
    started = time.monotonic()
    load.live(session, orders=orders, ago=timedelta(days=days - day))
    yield {"says": f"day {day}: {orders:,} orders in {time.monotonic() - started:.0f} s"}


def _measure(
    session: psycopg.Connection[Any], stage: str, measured: list[Operation], samples: int
) -> Iterator[Line]:
    session.execute("CHECKPOINT")  # else what was done in bulk is written while we measure
    for operation, values in operations.time_all(measured, samples).items():
        yield {"name": f"{operation.name}: {stage}", "unit": "ms", "values": values}


def _hold_back(session: psycopg.Connection[Any], orders: int, samples: int) -> Iterator[Line]:
    """Have a transaction open while a tenth of a day passes: nothing that was deleted can be cleaned up."""
    with relay.connect() as forgotten:
        forgotten.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        forgotten.execute("SELECT count(*) FROM messaging_outboxentry")
        load.live(session, orders=max(orders // 10, 1), ago=timedelta())
        yield from _measure(session, "transaction left open", operations.of_the_queues(session), samples)
        yield from sizes.queues(session, "transaction left open")
        forgotten.execute("ROLLBACK")
    waited = _await_clean(session)
    yield {"says": f"cleaned up {waited:.0f} s after the transaction's end"}
    yield from _measure(session, "after its end", operations.of_the_queues(session), samples)
    yield from sizes.queues(session, "after its end")


def _await_clean(session: psycopg.Connection[Any]) -> float:
    """Wait until autovacuum has been there; return how long it took."""
    started = time.monotonic()
    while time.monotonic() - started < _PATIENCE and sizes.dead_in_queues(session) > 1000:
        time.sleep(1)
    return time.monotonic() - started


def _prune(days: int) -> Iterator[Line]:
    """Forget the inbox rows of the first day, as the nightly task does in as many runs as it takes."""
    settings.SHOP_INBOX_RETENTION = timedelta(days=days - 1.5)
    done, started = Pruned(0, finished=False), time.monotonic()
    while not done.finished:
        pruned = retention.forget_consumed()
        done = Pruned(done.rows + pruned.rows, pruned.finished)
    rate = done.rows / (time.monotonic() - started)
    yield {"name": "inbox rows pruned: after its end", "unit": "rows/s", "values": [rate]}
    yield {"says": f"pruned {done.rows:,} inbox rows, {rate:,.0f} a second"}
