"""Bootstep that takes events up and sends them, in each worker of the integrations queue."""

from __future__ import annotations

import threading
from typing import Any

from celery import bootsteps
from django.conf import settings

QUEUE = "integrations"


class SenderStep(bootsteps.StartStopStep):
    """Runs a taker and a sender, each in a thread, in each worker that serves QUEUE."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.enabled = QUEUE in worker.app.amqp.queues.consume_from
        self._running: list[tuple[Any, threading.Thread]] = []

    def start(self, worker: Any) -> None:
        """Start them, after the pool's processes are forked."""
        from integrations.sender import Sender  # noqa: PLC0415 - models are not loaded with this module
        from integrations.taker import Taker  # noqa: PLC0415

        for kind in (Taker, Sender):
            runner = kind()
            thread = threading.Thread(target=runner.run, name=kind.__name__.lower(), daemon=True)
            self._running.append((runner, thread))
            thread.start()

    def stop(self, worker: Any) -> None:
        """Stop them. The sender finishes its requests."""
        for runner, _ in self._running:
            runner.stop()
        for _, thread in self._running:
            thread.join(timeout=settings.SHOP_ENDPOINT_TIMEOUT.total_seconds() + 5)
