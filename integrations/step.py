"""Bootstep that runs a sender in each worker of the integrations queue."""

from __future__ import annotations

import threading
from typing import Any

from celery import bootsteps
from django.conf import settings

QUEUE = "integrations"


class SenderStep(bootsteps.StartStopStep):
    """Runs a sender in a thread of each worker that serves QUEUE."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.enabled = QUEUE in worker.app.amqp.queues.consume_from
        self._sender: Any = None
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Start the sender, after the pool's processes are forked."""
        from integrations.sender import Sender  # noqa: PLC0415 - models are not loaded with this module

        self._sender = Sender()
        self._thread = threading.Thread(target=self._sender.run, name="sender", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:
        """Let the sender finish its requests, and stop it."""
        if self._sender and self._thread:
            self._sender.stop()
            self._thread.join(timeout=settings.SHOP_ENDPOINT_TIMEOUT.total_seconds() + 5)
