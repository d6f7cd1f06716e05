"""Relay: publishes the outbox to the broker, and promotes due messages to the outbox.

Several relays share the shards. Each holds its shards by PostgreSQL advisory locks, so that one relay at a
time publishes a shard, and with it all events of an aggregate, in order. A relay reads all remaining entries,
not those above a position: so it misses no late commit.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

import psycopg
from celery import Celery
from celery.utils.log import get_logger
from django.db import connection as django_connection

from shop.messaging.backoff import LeakyBucket
from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.bus.port import EventPublisher, event_bus
from shop.messaging.consuming import circuit_breaker, pauses
from shop.messaging.errors import Refused
from shop.messaging.failpoints import Point, reach
from shop.messaging.heartbeat import Heartbeat
from shop.messaging.outbox import channel
from shop.messaging.relay.due import promote_due
from shop.messaging.relay.shards import Shards
from shop.messaging.restores import opening
from shop.messaging.signals import batch_relayed, relay_paused
from shop.messaging.tracing import spans
from shop.postgres.engine.hidden_values import hide_values

logger = get_logger(__name__)

#: Maximum of entries published and confirmed together.
BATCH = 1000

#: Seconds between two reads of the outbox without a notification, in case one is lost.
POLL_INTERVAL = 0.2

#: Minimum time of a partial batch, in seconds. Up to BURST seconds of idle time count towards later batches.
#: At ten orders a second the relay never waits. At a hundred it does, and so forms larger bundles.
BATCH_INTERVAL, BURST = 0.02, 0.4

#: On a busy machine the minimum time is REST_FACTOR times the duration of the batch, up to LONGEST_REST
#: seconds. Each batch costs a message for each type and queue, and a run of each consumer. Without the bound,
#: workers would be idle behind a slow broker.
REST_FACTOR, LONGEST_REST = 3, 0.1

#: First and longest wait after an error, in seconds; doubled in between.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

#: Seconds between two declarations of the topology, which restore a binding deleted by mistake.
REDECLARE_INTERVAL = 30.0

_FETCH = """
    SELECT id, message_id, type, queue, headers, body FROM messaging_outboxentry
    WHERE shard = ANY(%b) ORDER BY id LIMIT %s
"""

_DEAD_LETTER_UNROUTABLE = """
    WITH deleted AS (DELETE FROM messaging_outboxentry WHERE id = ANY(%b) RETURNING *)
    INSERT INTO messaging_deadletter
        (status, cause, app, consumer, type, event_id, body, error_type, error, traceback, attempts)
    SELECT 'open', 'unroutable', split_part(queue, '.', 1), '', type, message_id, body, 'Unroutable',
           CASE queue WHEN '' THEN 'no queue is bound to ' || type ELSE 'there is no queue ' || queue END,
           '', 1
    FROM deleted
    ON CONFLICT DO NOTHING
"""


class Relay:
    """Relays until stop(). During an outage of broker or database it waits, and counts no attempts."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._pause = SHORTEST_PAUSE
        self._heartbeat = Heartbeat("relay")

    def stop(self) -> None:
        """Stop after the current batch."""
        self._stopping.set()

    def run(self) -> None:
        """Relay until stop()."""
        while not self._stopping.is_set():
            self._heartbeat.beat()
            try:
                with connect() as session:
                    opening.check_open(session.cursor())
                    with event_bus(self._app).publisher() as publisher:
                        self._relay(session, publisher)
            except Exception as error:  # noqa: BLE001 - the relay survives every error
                hide_values(error)
                relay_paused.send(None)
                logger.warning("relay pauses: %s: %s", type(error).__name__, error)
                self._stopping.wait(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _relay(self, session: psycopg.Connection[Any], publisher: EventPublisher) -> None:
        session.execute(f"LISTEN {channel.CHANNEL}")
        shards = Shards(session)
        next_promotion, next_declaration = 0.0, time.monotonic() + REDECLARE_INTERVAL
        pace = LeakyBucket(BURST)
        while not self._stopping.is_set():
            self._heartbeat.beat()
            shards.rebalance()
            began = time.monotonic()
            relayed = relay_batch(session, publisher, shards.held)
            took = time.monotonic() - began
            more = relayed == BATCH
            self._pause = SHORTEST_PAUSE
            if relayed:
                batch_relayed.send(None, entries=relayed, seconds=took)
            if relayed and not more:
                self._stopping.wait(pace.pause(max(BATCH_INTERVAL, min(REST_FACTOR * took, LONGEST_REST))))
            if time.monotonic() > next_promotion:
                pauses.end_due_pauses(session)
                more |= promote_due(session) + circuit_breaker.send_probes(session) > 0
                next_promotion = time.monotonic() + POLL_INTERVAL
            if time.monotonic() > next_declaration:
                publisher.declare()
                next_declaration = time.monotonic() + REDECLARE_INTERVAL
            if not more and await_notification(session):
                next_promotion = 0.0


def connect() -> psycopg.Connection[Any]:
    """Open a psycopg session on Django's database, in autocommit mode."""
    parameters = django_connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
        parameters.pop(name, None)
    name = f"relay {socket.gethostname()[:40]} {os.getpid()}"
    return psycopg.connect(**parameters | {"application_name": name}, autocommit=True)


def relay_batch(session: psycopg.Connection[Any], publisher: EventPublisher, shards: list[int]) -> int:
    """Publish the oldest entries of the shards, up to BATCH, and delete the confirmed; return their number.

    Raises:
        Refused: the broker rejected some. Retry over a new channel: in RabbitMQ 3.10 a channel that published
            to a quorum queue whose leader had just died rejects all later messages to it.
    """
    rows = session.execute(_FETCH, [shards, BATCH]).fetchall()
    if not rows:
        return 0
    reach(Point.BEFORE_PUBLISH)
    batch = [Outgoing(*row) for row in rows]
    with spans.sent(message.body for message in batch):
        receipt = publisher.publish(batch)
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


def await_notification(session: psycopg.Connection[Any]) -> bool:
    """Wait for a notification, up to POLL_INTERVAL seconds; return whether scheduled messages are due.

    Notifications that arrived during a batch are returned at once.
    """
    notifications = list(session.notifies(timeout=POLL_INTERVAL, stop_after=1))
    return any(notification.payload == channel.DUE for notification in notifications)
