"""What Celery's consumer does otherwise here: how it waits for the broker, reads, and what it declares."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from shop.messaging.broker import is_amqp
from shop.messaging.reading import read_in_gulps

#: Seconds between two attempts, at the most. Celery's own half a minute would be added to every outage.
LONGEST_PAUSE = 5


class PatientConsumer(Consumer):
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
        connected = super().ensure_connected(conn)
        hub: Any = self.hub  # type: ignore[attr-defined]  # not in the stubs
        if hub and is_amqp(connected):
            read_in_gulps(connected.connection, hub)
        return connected
