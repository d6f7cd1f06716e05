"""What Celery's consumer does otherwise here: how it waits for the broker, reads, and what it declares."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from shop.messaging.bus.amqp import is_amqp
from shop.messaging.bus.amqp_reader import read_buffered

#: Seconds between two attempts, at the most. Celery's own half a minute would be added to every outage.
LONGEST_PAUSE = 5


class ShopConsumer(Consumer):
    """Celery's consumer, but it is back soon when the broker is, reads in gulps, declares no delaying queues.

    With a quorum queue among its own, Celery declares 28 exchanges and queues, on every node that it is given
    and after each loss of connection. Nothing here has a countdown: what is due later is a row.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc,valid-type]  # an alias in the stubs
        """All steps but that one."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if "DelayedDelivery" not in step]

    def ensure_connected(self, conn: Any) -> Any:
        """Try again and again, at most LONGEST_PAUSE seconds apart."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LONGEST_PAUSE)
        return super().ensure_connected(conn)

    def connect(self) -> Any:
        """Have the event loop, if there is one, read in gulps."""
        connected = super().connect()
        hub: Any = self.hub  # type: ignore[attr-defined]  # not in the stubs
        if hub and is_amqp(connected):
            read_buffered(connected.connection, hub)
        return connected
