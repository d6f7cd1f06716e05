"""Handover of messages from the threads of an event bus to the event loop of Celery's worker."""

from __future__ import annotations

from collections import deque
from typing import Any

from shop.messaging.bus.port import BusMessage, Receive
from shop.messaging.worker.loop_waker import LoopWaker


class Handover:
    """Calls ``receive`` in the event loop, for messages that arrive in other threads, in their order."""

    def __init__(self, hub: Any, receive: Receive) -> None:
        self._receive = receive
        self._arrived: deque[tuple[str, BusMessage, Exception | None]] = deque()
        self._waker = LoopWaker(hub, self._drain)

    def __call__(self, app: str, message: BusMessage, error: Exception | None = None) -> None:
        """Hand over a message, from any thread."""
        self._arrived.append((app, message, error))
        self._waker.wake()

    def close(self) -> None:
        """Hand over what has arrived, and stop. No thread may call it any more."""
        self._waker.close()
        self._drain()

    def _drain(self) -> None:
        while self._arrived:
            self._receive(*self._arrived.popleft())
