"""Database connections of workers: planned for what tables become, and replaced before a task needs them.

Celery would replace them around every task, for the price of a connection each; with
``CELERY_DB_REUSE_MAX`` it never does. Runs of consumers wait for the database and reconnect by themselves,
see runner.py. Every other task looks first.
"""

from typing import Any

from celery import Task
from celery.signals import task_prerun, worker_process_init
from django.db import close_old_connections, connections

from shop.messaging.consuming import DeliveryTask


@task_prerun.connect
def replace_broken_connections(task: "Task[Any, Any]", **kwargs: object) -> None:
    """Without it, all tasks of a worker would fail after an outage of the database until it is restarted."""
    if not isinstance(task, DeliveryTask) and not task.request.is_eager:
        close_old_connections()


@worker_process_init.connect
def inherit_no_broken_connections(**kwargs: object) -> None:
    """A process that is forked after an outage would begin with what is left of its parent's connection."""
    for one in connections.all(initialized_only=True):
        if one.connection and one.connection.closed:
            one.connection = None


@worker_process_init.connect
def look_up_by_index(**kwargs: object) -> None:
    """Have PostgreSQL use indexes, whatever the tables' size when it plans a prepared statement.

    A plan lives as long as its connection or until the table is analyzed. One made while a table was empty
    would read all of it for every batch: half of PostgreSQL's work in the first minutes of a shop. Before
    version 18 PostgreSQL takes what it is to avoid for so dear that it would compile it.
    """
    options = connections["default"].settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c enable_seqscan=off -c jit=off"
