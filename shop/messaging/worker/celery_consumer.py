"""Celery's consumer, with buffered reads, quicker reconnection and no queues for delayed delivery."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from shop.messaging.bus.amqp import is_amqp
from shop.messaging.bus.amqp_reader import read_buffered

#: Longest interval in seconds between two connection attempts. With the default of 30 s every outage
#: of the broker would last longer for its workers.
MAX_RECONNECT_INTERVAL = 5


class ShopConsumer(Consumer):
    """Celery's consumer without the DelayedDelivery step.

    For quorum queues that step declares 28 exchanges and queues, on every broker node and after each lost
    connection. They serve tasks with a countdown; here, delayed messages are rows in the database.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc,valid-type]  # an alias in the stubs
        """Celery's steps without DelayedDelivery."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if "DelayedDelivery" not in step]

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, with retries at most MAX_RECONNECT_INTERVAL seconds apart."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=MAX_RECONNECT_INTERVAL)
        return super().ensure_connected(conn)

    def connect(self) -> Any:
        """Connect, and have the event loop read through a buffer."""
        connected = super().connect()
        hub: Any = self.hub  # type: ignore[attr-defined]  # not in the stubs
        if hub and is_amqp(connected):
            read_buffered(connected.connection, hub)
        return connected
