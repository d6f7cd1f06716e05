"""Database connections of workers: index scans, and reconnection after an outage.

Celery closes a worker's connections around every task, and never with ``CELERY_DB_REUSE_MAX``. Consumers
wait for the database and reconnect by themselves, see consuming/runner.py. For other tasks a broken
connection is replaced before the task runs.
"""

from typing import Any

from celery import Task
from celery.signals import task_prerun, worker_process_init
from django.db import close_old_connections, connections

from shop.messaging.consuming import DeliveryTask


@task_prerun.connect
def replace_broken_connections(task: "Task[Any, Any]", **kwargs: object) -> None:
    """Close broken connections before a task, so that it opens new ones.

    Without it, all tasks of a worker would fail after an outage of the database until it is restarted.
    """
    if not isinstance(task, DeliveryTask) and not task.request.is_eager:
        close_old_connections()


@worker_process_init.connect
def discard_broken_connections(**kwargs: object) -> None:
    """Discard closed connections that a pool process has inherited from its parent."""
    for inherited in connections.all(initialized_only=True):
        if inherited.connection and inherited.connection.closed:
            inherited.connection = None


@worker_process_init.connect
def prefer_index_scans(**kwargs: object) -> None:
    """Have PostgreSQL plan prepared statements with indexes, whatever the size of the tables.

    A generic plan lives as long as its connection or until the table is analyzed. Planned for an empty
    table, it would scan the whole table for every batch: half of PostgreSQL's work in the first minutes of
    a shop. JIT is off because PostgreSQL before version 18 adds a large cost to plans with a disabled
    node, and such a cost triggers compilation.
    """
    options = connections["default"].settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c enable_seqscan=off -c jit=off"
