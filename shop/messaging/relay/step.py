"""Bootstep that runs a relay in a Celery worker."""

from __future__ import annotations

import threading
from typing import Any

from celery import bootsteps
from django.core.management import call_command

from shop.messaging.relay.relay import Relay

#: Queue whose workers run a relay.
RELAY_QUEUE = "messaging"


class RelayStep(bootsteps.StartStopStep):
    """Runs a relay in a thread of each worker that serves RELAY_QUEUE."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.enabled = RELAY_QUEUE in worker.app.amqp.queues.consume_from
        if self.enabled:
            call_command("check", tags=["messaging"])  # Celery runs all checks, but ignores errors
        self._relay = Relay(worker.app)
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Start the relay, after the pool's processes are forked."""
        self._thread = threading.Thread(target=self._relay.run, name="relay", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:
        """Let the relay finish its batch, and stop it."""
        self._relay.stop()
        if self._thread:
            self._thread.join(timeout=15)
