"""DBOS: a durable workflow for each order; each step commits with its checkpoint in one transaction."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa  # type: ignore[import-not-found]  # in the competitors' venv
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource  # type: ignore[import-not-found]

from dev.bench.competitors.common import THREADS, place_at_pace
from dev.bench.competitors.steps import PLACED, STEPS, TABLES, values

_URL = os.environ["BENCH_DATABASE_URL"]
_ENGINE_URL = _URL.replace("postgresql://", "postgresql+psycopg://", 1)
_QUEUE, _WORKFLOW = "orders", "fulfil"
#: Version shared by client and workers. The default is a digest of the code.
_VERSION = "1"
_OPTIONS = {"workflow_name": _WORKFLOW, "queue_name": _QUEUE, "app_version": _VERSION}
#: Concurrent workflows of a worker.
_CONCURRENCY = 20
#: Seconds between two queries of the queue; the default of 1 s would limit the throughput.
_POLL = 0.05


def prepare() -> None:
    """Create the tables."""
    with psycopg.connect(_URL) as session:
        session.execute(TABLES.encode())
    _launch("prepare", [])
    DBOS.destroy()


def work(name: str) -> None:
    """Process workflows until stopped."""
    _launch(name, [_QUEUE])
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)  # nothing is under way after a run


def accept(count: int) -> None:
    """Enqueue the workflows of ``count`` orders; the commit releases them."""
    client = _client()
    with sa.create_engine(_ENGINE_URL).connect() as connection:
        for _ in range(count):
            client.enqueue_in_transaction(connection, _OPTIONS, str(uuid4()))
        print("ready", flush=True)
        if sys.stdin.readline():
            connection.commit()


def place(count: int, rate: float) -> None:
    """Place orders at a pace, each in a transaction with its workflow."""
    client, engine = _client(), sa.create_engine(_ENGINE_URL, pool_size=THREADS)

    def place_one(order: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(PLACED, values(order))
            client.enqueue_in_transaction(connection, _OPTIONS, order)

    place_at_pace(place_one, count=count, rate=rate)


def _client() -> Any:
    return DBOSClient(system_database_url=_ENGINE_URL, application_name="bench")


def _launch(name: str, queues: list[str]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # inherited by the threads
    DBOS(
        config={
            "name": "bench",
            "system_database_url": _ENGINE_URL,
            "sys_db_pool_size": _CONCURRENCY,
            "application_version": _VERSION,
            "executor_id": name,
            "log_level": "WARNING",
        }
    )
    DBOS.workflow(name=_WORKFLOW)(_workflow())
    DBOS.listen_queues(queues)
    DBOS.launch()
    DBOS.register_queue(
        _QUEUE,
        worker_concurrency=_CONCURRENCY,
        polling_interval_sec=_POLL,
        on_conflict="always_update",
    )


def _workflow() -> Callable[[str], None]:
    datasource = SQLAlchemyDatasource.create(_ENGINE_URL, engine_kwargs={"pool_size": _CONCURRENCY})
    steps = [_step(datasource, name, sql) for name, sql in STEPS.items()]

    def fulfil(order: str) -> None:
        for step in steps:
            step(order)

    return fulfil


def _step(datasource: Any, name: str, sql: str) -> Callable[[str], None]:
    def run(order: str) -> None:
        datasource.sql_session().connection().exec_driver_sql(sql, values(order))

    step: Callable[[str], None] = datasource.transaction(name=name, isolation_level="READ COMMITTED")(run)
    return step


if __name__ == "__main__":
    match sys.argv[1]:
        case "prepare":
            prepare()
        case "work":
            work(sys.argv[2])
        case "accept":
            accept(int(sys.argv[2]))
        case "place":
            place(int(sys.argv[2]), float(sys.argv[3]))
