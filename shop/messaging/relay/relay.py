"""The relay: moves the outbox to the broker, and what has become due to the outbox.

Several relays share the shards: each holds its shards by PostgreSQL advisory locks, so that one
shard, and with it all events of one aggregate, is relayed by one of them, in order. It looks for
what is unpublished, never for what is newer than something: late commits are found like any other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from celery import Celery
from celery.utils.log import get_logger
from django.db import connection as django_connection

from shop.messaging.backoff import LeakyBucket
from shop.messaging.bus import topology
from shop.messaging.bus.confirms import ConfirmingPublisher
from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.bus.publisher import Publisher, publisher_for
from shop.messaging.consuming import circuit_breaker
from shop.messaging.errors import Refused
from shop.messaging.failpoints import Point, reach
from shop.messaging.outbox import channel
from shop.messaging.relay.due import promote_due
from shop.messaging.relay.shards import Shards

logger = get_logger(__name__)

#: Entries published and confirmed together.
BATCH = 1000

#: Seconds between two looks without a notification: the wake-up that is never lost.
POLL = 0.2

#: Seconds that a batch has to itself while there is less than a full one each time, unless they were saved
#: up, BURST at the most. Ten orders a second do not notice; of a hundred, some travel together.
PACE, BURST = 0.02, 0.4

#: And so many times as long as it took, where that is more: then the machine is busy, and each batch costs a
#: message for each of its types and queues, and a run of their consumers. But no longer than LONGEST_REST: a
#: broker that takes its time with a thousand messages would leave all workers without work meanwhile.
REST, LONGEST_REST = 3, 0.1

#: Seconds to wait after an error: the first time, and at the most.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

#: Seconds between two declarations of the topology: a binding that somebody removed comes back.
REDECLARE = 30.0

_FETCH = """
    SELECT id, message_id, type, queue, headers, body FROM messaging_outboxentry
    WHERE shard = ANY(%b) ORDER BY id LIMIT %s
"""

_DEAD_LETTER_UNROUTABLE = """
    WITH gone AS (DELETE FROM messaging_outboxentry WHERE id = ANY(%b) RETURNING *)
    INSERT INTO messaging_deadletter
        (status, cause, app, consumer, type, event_id, body, error_type, error, traceback, attempts)
    SELECT 'open', 'unroutable', split_part(queue, '.', 1), '', type, message_id, body, 'Unroutable',
           CASE queue WHEN '' THEN 'no queue is bound to ' || type ELSE 'there is no queue ' || queue END,
           '', 1
    FROM gone
    ON CONFLICT DO NOTHING
"""

_AnyPublisher = Publisher | ConfirmingPublisher


class Relay:
    """Relays until told to stop. Broker or database away: it waits, and nothing counts as an attempt."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._pause = SHORTEST_PAUSE

    def stop(self) -> None:
        """Finish the batch in hand, then stop."""
        self._stopping.set()

    def run(self) -> None:
        """Relay until stop()."""
        while not self._stopping.is_set():
            try:
                with self._sessions() as (session, publisher, declare):
                    self._relay(session, publisher, declare)
            except Exception as error:  # noqa: BLE001 - the relay outlives whatever happens to it
                logger.warning("relay pauses: %s: %s", type(error).__name__, error)
                self._stopping.wait(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE)

    @contextmanager
    def _sessions(self) -> Iterator[tuple[psycopg.Connection[Any], _AnyPublisher, Callable[[], None]]]:
        """A database session, a publisher, and what declares the topology; thrown away afterwards."""
        with connect() as session, self._app.connection_for_write() as connection:
            try:
                # One round of all nodes that the URL names.
                connection.ensure_connection(max_retries=len(connection.alt[1:]))
                topology.declare_topology(connection)
                publisher = publisher_for(connection)
                yield session, publisher, partial(topology.declare_topology, connection)
            except BaseException:
                # Late confirms would be taken for those of the next batch, and a broker that is silent
                # would not answer a farewell.
                connection.collect(socket_timeout=1)
                raise

    def _relay(
        self, session: psycopg.Connection[Any], publisher: _AnyPublisher, declare: Callable[[], None]
    ) -> None:
        session.execute(f"LISTEN {channel.CHANNEL}")
        shards = Shards(session)
        next_promotion, next_declaration = 0.0, time.monotonic() + REDECLARE
        pace = LeakyBucket(BURST)
        while not self._stopping.is_set():
            shards.rebalance()
            began = time.monotonic()
            relayed = relay_batch(session, publisher, shards.held)
            took = time.monotonic() - began
            more = relayed == BATCH
            self._pause = SHORTEST_PAUSE
            if relayed and not more:
                self._stopping.wait(pace.pause(max(PACE, min(REST * took, LONGEST_REST))))
            if time.monotonic() > next_promotion:
                more |= promote_due(session) + circuit_breaker.send_probes(session) > 0
                next_promotion = time.monotonic() + POLL
            if time.monotonic() > next_declaration:
                declare()
                next_declaration = time.monotonic() + REDECLARE
            if not more and _await_notification(session):
                next_promotion = 0.0


def connect() -> psycopg.Connection[Any]:
    """A session of our own on Django's database, in autocommit."""
    parameters = django_connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)


def relay_batch(session: psycopg.Connection[Any], publisher: _AnyPublisher, shards: list[int]) -> int:
    """Publish the oldest entries of the shards, BATCH at the most, and delete them; return how many.

    Raises :class:`Refused` if the broker refused any. The channel may be to blame: one that turned to a
    quorum queue whose leader had just died refuses all that goes there, as long as it lives (RabbitMQ 3.10).
    """
    rows = session.execute(_FETCH, [shards, BATCH]).fetchall()
    if not rows:
        return 0
    reach(Point.BEFORE_PUBLISH)
    receipt = publisher.publish([Outgoing(*row) for row in rows])
    reach(Point.AFTER_CONFIRM)
    _delete_confirmed(session, receipt)
    if refused := len(rows) - len(receipt.confirmed | receipt.unroutable):
        raise Refused(f"the broker refused {refused} of {len(rows)} messages")
    return len(rows)


def _delete_confirmed(session: psycopg.Connection[Any], receipt: Receipt) -> None:
    if receipt.confirmed:
        session.execute("DELETE FROM messaging_outboxentry WHERE id = ANY(%b)", [list(receipt.confirmed)])
    reach(Point.AFTER_DELETE)
    if receipt.unroutable:
        logger.error("%d messages are unroutable: no queue is bound to them", len(receipt.unroutable))
        session.execute(_DEAD_LETTER_UNROUTABLE, [list(receipt.unroutable)])


def _await_notification(session: psycopg.Connection[Any]) -> bool:
    """Wait for work, POLL seconds at the most; say whether scheduled messages are part of it.

    What was told while a batch was on its way is told now.
    """
    told = list(session.notifies(timeout=POLL, stop_after=1))
    return any(notification.payload == channel.DUE for notification in told)
