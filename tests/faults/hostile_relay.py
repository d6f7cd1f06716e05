"""Relay that publishes everything twice, in random order and with delays."""

import heapq
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any

import psycopg
from kombu import Connection

from orders.events import OrderCreated
from payments.events import PaymentProcessed
from shop.messaging.bus import topology
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.bus.publisher import publisher_for
from shop.messaging.bus.transport_settings import transport_settings
from shop.messaging.consuming import circuit_breaker, consumers
from shop.messaging.relay.due import promote_due
from tests.support.deployment import Deployment

_TAKE = "delete from messaging_outboxentry returning id, message_id, type, queue, headers, body"


class HostileRelay:
    """Context manager that relays two copies of each event to each consumer.

    A topic exchange hands an event to all consumers at the same moment. Here each copy has its own delay, so
    that one app may receive a payment before the order. For the first order inventory certainly does: its
    copies of OrderCreated are held back until PaymentProcessed has been published.
    """

    def __init__(self, shop: Deployment, *, longest_delay: float, seed: int) -> None:
        self._shop, self._longest_delay = shop, longest_delay
        self._random = random.Random(seed)
        #: Heap of publishing time, tie-breaker and message.
        self._waiting: list[tuple[float, int, Outgoing]] = []
        self._published: list[Outgoing] = []
        #: Inventory's copies of the first OrderCreated, and the id of that order.
        self._held_back: list[Outgoing] = []
        self._first: str | None = None
        self._again = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hostile relay")
        self._error: BaseException | None = None

    def __enter__(self) -> "HostileRelay":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        if self._error:
            raise self._error

    def publish_everything_again(self) -> None:
        """Publish all earlier messages once more, shuffled, and wait for it."""
        self._again.set()
        self._shop.wait_until(lambda: self._error or not self._again.is_set(), what="publishing all again")

    def copies(self) -> int:
        """Return the number of published messages."""
        return len(self._published)

    def _run(self) -> None:
        options = transport_settings(self._shop.broker.url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
        try:
            with (
                psycopg.connect(self._shop.database_url, autocommit=True) as session,
                Connection(self._shop.broker.url, transport_options=options) as connection,
            ):
                topology.declare_topology(connection)
                self._relay(session, publisher_for(connection))
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self._error = error

    def _relay(self, session: psycopg.Connection[Any], publisher: Any) -> None:
        while not self._leaving.wait(0.03):
            promote_due(session)
            circuit_breaker.send_probes(session)
            for row in session.execute(_TAKE).fetchall():
                self._delay(Outgoing(*row))
            due = list(self._due())
            self._published += due
            if self._again.is_set():
                due += self._random.sample(self._published, len(self._published))
                self._again.clear()
            assert not publisher.publish(due).unroutable

    def _delay(self, message: Outgoing) -> None:
        order = json.loads(message.body)["subject"]
        self._first = self._first or order
        for queue in [message.queue] if message.queue else _subscribers(message.type):
            for _ in range(2):
                copy = replace(message, queue=queue)
                is_first = not message.queue and (order, message.type) == (self._first, OrderCreated.type)
                if is_first and queue == "inventory.events":
                    self._held_back.append(copy)
                else:
                    self._publish_after(self._random.uniform(0, self._longest_delay), copy)
        if (order, message.type) == (self._first, PaymentProcessed.type):
            while self._held_back:
                self._publish_after(self._longest_delay, self._held_back.pop())

    def _publish_after(self, seconds: float, message: Outgoing) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + seconds, self._random.getrandbits(60), message))

    def _due(self) -> Iterator[Outgoing]:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            yield heapq.heappop(self._waiting)[2]


def _subscribers(type_: str) -> list[str]:
    return [consumer.queue for consumer in consumers() if consumer.event.type == type_]
