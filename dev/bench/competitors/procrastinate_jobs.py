"""procrastinate: a job for each step, committed together with the job of the next step."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import procrastinate  # type: ignore[import-not-found]  # in the competitors' venv
import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from dev.bench.competitors.common import THREADS, place_at_pace
from dev.bench.competitors.steps import PLACED, STEPS, TABLES, values

_URL = os.environ["BENCH_DATABASE_URL"]
_QUEUE = "orders"
#: Concurrent jobs of a worker.
_CONCURRENCY = 8
_DEFER = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, args)
    SELECT %s, %s, unnest(%s::jsonb[])
"""
_NAMES = list(STEPS)

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=_URL, min_size=2, max_size=_CONCURRENCY + 4)
)
_pool = AsyncConnectionPool(_URL, min_size=_CONCURRENCY, max_size=_CONCURRENCY, open=False)


def _step(name: str) -> Callable[[str], Awaitable[None]]:
    following = _NAMES[_NAMES.index(name) + 1 :]

    async def run(order: str) -> None:
        async with _pool.connection() as session:  # one transaction
            await session.execute(STEPS[name], values(order))
            if following:
                await _tasks[following[0]].configure(connection=session).defer_async(order=order)

    return run


_tasks: dict[str, Any] = {name: app.task(queue=_QUEUE, name=name)(_step(name)) for name in STEPS}


async def prepare() -> None:
    """Create the tables."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
    with psycopg.connect(_URL) as session:
        session.execute(TABLES.encode())


async def work() -> None:
    """Work until stopped."""
    async with app.open_async(), _pool:
        await app.run_worker_async(queues=[_QUEUE], concurrency=_CONCURRENCY)


def accept(count: int) -> None:
    """Defer the first job of ``count`` orders; the commit releases them."""
    jobs = [json.dumps({"order": str(uuid4())}) for _ in range(count)]
    with psycopg.connect(_URL) as session:
        session.execute(_DEFER, [_QUEUE, _NAMES[0], jobs])
        print("ready", flush=True)
        if not sys.stdin.readline():
            session.rollback()


def place(count: int, rate: float) -> None:
    """Place orders at a pace, each in a transaction with its first job."""
    with ConnectionPool(_URL, min_size=THREADS, max_size=THREADS) as sessions:

        def place_one(order: str) -> None:
            with sessions.connection() as session:
                session.execute(PLACED.encode(), values(order))
                session.execute(_DEFER, [_QUEUE, _NAMES[0], [json.dumps({"order": order})]])

        place_at_pace(place_one, count=count, rate=rate)


if __name__ == "__main__":
    match sys.argv[1]:
        case "prepare":
            asyncio.run(prepare())
        case "work":
            asyncio.run(work())
        case "accept":
            accept(int(sys.argv[2]))
        case "place":
            place(int(sys.argv[2]), float(sys.argv[3]))
