"""Celery beat's scheduler, with a heartbeat."""

from functools import partial
from typing import Any

from celery.beat import PersistentScheduler

from shop.messaging.heartbeat import Heartbeat


class ShopScheduler(PersistentScheduler):
    """Scheduler that wakes up often enough for its heartbeat, also while it waits for the broker."""

    #: Seconds between two looks at the schedule; Celery's five minutes would pass for a stuck loop.
    max_interval = 5
    _heartbeat = Heartbeat("beat")

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due."""
        self._heartbeat.beat()
        return super().tick(*args, **kwargs)

    def _ensure_connected(self) -> Any:
        """Connect to the broker, with retries for as long as it is away."""
        connection: Any = self.connection
        connection.ensure_connection = partial(connection.ensure_connection, callback=self._heartbeat.beat)
        return super()._ensure_connected()  # type: ignore[misc]  # not in the stubs
