"""The relay as a part of a Celery worker, beside the bridge."""

from __future__ import annotations

import threading
from typing import Any

from celery import bootsteps
from celery.signals import worker_process_init, worker_ready
from django.core.management import call_command

from shop.messaging.relay.relay import Relay
from shop.messaging.worker import connections, gc_tuning, ready_file  # noqa: F401  # connect to worker signals

worker_ready.connect(gc_tuning.freeze)
worker_process_init.connect(gc_tuning.freeze)

#: A worker that serves this queue runs a relay.
RELAY_QUEUE = "messaging"


class RelayStep(bootsteps.StartStopStep):
    """Runs a relay in the worker that serves the messaging queue, for as long as the worker lives."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.enabled = RELAY_QUEUE in worker.app.amqp.queues.consume_from
        if self.enabled:
            call_command("check", tags=["messaging"])  # Celery has it all checked, and drops what it is told
        self._relay = Relay(worker.app)
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Start it once the pool's processes are forked."""
        self._thread = threading.Thread(target=self._relay.run, name="relay", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:
        """Let it finish its batch."""
        self._relay.stop()
        if self._thread:
            self._thread.join(timeout=15)
