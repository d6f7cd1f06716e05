"""Starts of processes with metrics, by Celery's signals. The web server starts its own, see web.py."""

from typing import Any

from celery.signals import beat_init, worker_ready
from django.utils.module_loading import import_string


@worker_ready.connect
def serve_worker(sender: Any, **kwargs: object) -> None:
    """Serve the metrics of a worker, in its main process."""
    import_string("shop.metrics.worker.serve")(set(sender.app.amqp.queues.consume_from))


@beat_init.connect
def serve_scheduler(**kwargs: object) -> None:
    """Serve the readings of database and broker, in the scheduler."""
    import_string("shop.metrics.exporter.serve")()
