"""Sender of the naive implementation's tasks. It needs no Django, so the bench can call it."""

from typing import Any

from celery import Celery
from kombu import Queue

TASK = "naive.note_weight"
QUEUE = Queue("naive", routing_key="naive", queue_arguments={"x-queue-type": "quorum"})


def send(broker_url: str, messages: list[dict[str, Any]]) -> None:
    """Send a task for each message."""
    app = Celery("naive", broker=broker_url, set_as_current=False)
    app.conf.task_queues = [QUEUE]
    with app.connection_for_write() as connection, connection.Producer() as producer:
        for message in messages:
            app.send_task(TASK, kwargs=message, queue=QUEUE.name, producer=producer, ignore_result=True)
