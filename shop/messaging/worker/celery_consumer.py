"""Celery's consumer: it refuses forged tasks, reads through a buffer, reconnects quickly, has a heartbeat."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from kombu import Message
from kombu.utils.uuid import uuid

from shop.messaging.bus import task_signatures
from shop.messaging.bus.amqp import is_amqp
from shop.messaging.bus.amqp_reader import read_buffered
from shop.messaging.bus.compression import refuse_compressed
from shop.messaging.consuming import DeliveryTask
from shop.messaging.errors import Forged
from shop.messaging.heartbeat import INTERVAL, Heartbeat
from shop.messaging.worker.incoming import FORGED_TASK
from shop.postgres import json_text

logger = logging.getLogger(__name__)

#: Longest interval in seconds between two connection attempts. With the default of 30 s every outage
#: of the broker would last longer for its workers.
MAX_RECONNECT_INTERVAL = 5


class ShopConsumer(Consumer):
    """Celery's consumer without the DelayedDelivery step.

    For quorum queues that step declares 28 exchanges and queues, on every broker node and after each lost
    connection. They serve tasks with a countdown; here, delayed messages are rows in the database.
    """

    _heartbeat = Heartbeat("worker")

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc,valid-type]  # an alias in the stubs
        """Celery's steps without DelayedDelivery."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if "DelayedDelivery" not in step]

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, with retries at most MAX_RECONNECT_INTERVAL seconds apart."""
        conn.ensure_connection = partial(self._persist, conn.ensure_connection)
        return super().ensure_connected(conn)

    def _persist(self, ensure: Callable[..., Any], *args: Any, callback: Callable[[], None]) -> Any:
        """Connect, with heartbeats: a worker that waits for its broker is not stuck."""

        def on_attempt() -> None:
            self._heartbeat.beat()
            callback()

        return ensure(*args, callback=on_attempt, interval_max=MAX_RECONNECT_INTERVAL)

    def register_with_event_loop(self, hub: Any) -> None:
        """Have the event loop beat."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(INTERVAL, self._heartbeat.beat)

    def perform_pending_operations(self) -> None:
        """Beat where there is no event loop: Celery calls this in each round of its own loop."""
        self._heartbeat.beat()
        super().perform_pending_operations()

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Message], None]:
        """Return Celery's handler of received task messages, for those that the shop has signed."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Message) -> None:
            try:
                self._check(message)
            except Forged as problem:
                _replace_forged(message, problem)
            handle(message)

        return on_task_received

    def _check(self, message: Message) -> None:
        """Raise Forged unless the shop has sent the task. Consumers are run by the bridge alone."""
        name = task_signatures.check(message)
        if isinstance(self.app.tasks.get(name), DeliveryTask):
            raise Forged("it is the task of a consumer, which takes events alone")

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Drop a task or a control command that cannot be opened. Celery would log all that is in it."""
        logger.error("a task or control command is refused: %s", type(exc).__name__)
        message.ack()

    def connect(self) -> Any:
        """Connect, and have the event loop read through a buffer."""
        refuse_compressed()
        connected = super().connect()
        hub: Any = self.hub  # type: ignore[attr-defined]  # not in the stubs
        if hub and is_amqp(connected):
            read_buffered(connected.connection, hub)
        return connected


def _replace_forged(message: Message, problem: Forged) -> None:
    """Put the task that records a forged message in its place."""
    arguments = [
        str(message.delivery_info.get("routing_key", "")),
        task_signatures.text_of(message),
        str(problem),
    ]
    message.body = json_text.dumps([arguments, {}, None])
    message.content_type, message.content_encoding = "application/json", "utf-8"
    message.headers = {"task": FORGED_TASK, "id": uuid(), "lang": "py", "argsrepr": "", "kwargsrepr": ""}
    message.properties = {}
