"""The circuit breaker: a consumer that fails at everything is paused, and probed with one message at a time.

While its circuit is open, what comes for the consumer is held in the database: no attempt is spent on a
provider that is down, however long that takes. The relay sends a probe when it is due; when one is consumed,
the circuit closes and what is held goes on its way.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery.utils.log import get_task_logger
from django.db import connection, transaction

from shop.messaging.backoff import exponential_backoff
from shop.messaging.errors import describe
from shop.messaging.failpoints import Point, reach
from shop.messaging.models import Circuit, ScheduledMessage
from shop.messaging.outbox import channel

if TYPE_CHECKING:
    import psycopg

    from shop.messaging.consuming.envelope import Envelope
    from shop.messaging.consuming.registry import Consumer

logger = get_task_logger(__name__)

#: So many different messages have to fail in a process, and none succeed in between, to open the circuit.
THRESHOLD = 5
#: First and longest time between probes, doubled in between.
PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
#: When another probe is sent if nothing was heard of the last one: above the time limit of tasks.
PROBE_LOST = timedelta(seconds=90)
#: What is held is tried again after this time even if nobody released it.
LONGEST_HOLD = timedelta(hours=1)
#: Seconds for which a process believes what it last read about open circuits.
FRESHNESS = 1.0

_HOLD = """
    INSERT INTO messaging_scheduledmessage
        (kind, app, consumer, type, message_id, aggregate_id, body, due_at, attempts, parkings, last_error)
    SELECT 'held', %s, %s, type, message_id, aggregate_id, body, %s, attempts, parkings, %s
    FROM unnest(%b::text[], %b::uuid[], %b::uuid[], %b::text[], %b::smallint[], %b::smallint[])
        AS held (type, message_id, aggregate_id, body, attempts, parkings)
    ON CONFLICT (app, message_id) DO UPDATE
    SET kind = 'held', consumer = excluded.consumer, due_at = excluded.due_at
"""
_CLOSE_IDLE = """
    DELETE FROM messaging_circuit AS circuit
    WHERE probe_at <= now() AND NOT EXISTS (
        SELECT FROM messaging_scheduledmessage AS held
        WHERE held.kind = 'held' AND held.consumer = circuit.consumer)
"""
_PROBE = """
    WITH due AS (
        UPDATE messaging_circuit SET probe_at = now() + %s WHERE probe_at <= now() RETURNING consumer
    ), oldest AS (
        SELECT (SELECT min(id) FROM messaging_scheduledmessage AS held
                WHERE held.kind = 'held' AND held.consumer = due.consumer) AS id
        FROM due
    ), probe AS (
        DELETE FROM messaging_scheduledmessage WHERE id IN (SELECT id FROM oldest) RETURNING *
    )
    INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)
    SELECT ('x' || right(aggregate_id::text, 1))::bit(4)::int, message_id, type, app || '.events',
           jsonb_build_object('x-probe', 1, 'x-attempts', attempts, 'x-parkings', parkings), body
    FROM probe
"""


class _Knowledge:
    """What this process knows: its own failures in a row, and which circuits were open a moment ago."""

    def __init__(self) -> None:
        self.failing: defaultdict[str, set[UUID]] = defaultdict(set)
        self.open: set[str] = set()
        self.read_at = float("-inf")

    def refresh(self) -> None:
        self.open = set(Circuit.objects.values_list("consumer", flat=True))
        self.read_at = time.monotonic()


_knowledge = _Knowledge()


def forget() -> None:
    """Forget what this process knows, as a new one does."""
    _knowledge.__init__()  # type: ignore[misc]


def is_open(consumer: Consumer) -> bool:
    """Whether the consumer is paused, as far as this process knows; hold() makes sure."""
    if time.monotonic() - _knowledge.read_at > FRESHNESS:
        _knowledge.refresh()
    return consumer.name in _knowledge.open


def hold(consumer: Consumer, messages: Sequence[Envelope], error: str = "") -> bool:
    """Put messages aside until the circuit closes, without spending an attempt; False if it is closed."""
    if not messages:
        return True
    rows = {m.event.meta.id: _row(m) for m in messages}
    with transaction.atomic(), connection.cursor() as cursor:
        # Who closes the circuit waits for this lock and then releases these messages too.
        cursor.execute("SELECT FROM messaging_circuit WHERE consumer = %s FOR SHARE", [consumer.name])
        if not cursor.rowcount:
            _knowledge.open.discard(consumer.name)
            return False
        due_at = datetime.now(UTC) + LONGEST_HOLD
        columns = map(list, zip(*rows.values(), strict=True))
        reach(Point.BEFORE_HOLD)
        cursor.execute(_HOLD, [consumer.app, consumer.name, due_at, error, *columns])
    reach(Point.AFTER_HOLD)
    return True


def _row(message: Envelope) -> tuple[Any, ...]:
    event = message.event
    return (
        message.type, event.meta.id, event.aggregate_id, message.text, message.attempts, message.deferrals
    )  # fmt: skip


def held(consumer: str) -> int:
    """How many events wait for a paused consumer."""
    return ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.HELD, consumer=consumer).count()


def failed(consumer: Consumer, message: Envelope, error: Exception) -> None:
    """Note that a message failed for now; open the circuit if everything does."""
    failing = _knowledge.failing[consumer.name]
    failing.add(message.event.meta.id)
    if len(failing) < THRESHOLD:
        return
    failing.clear()
    _, opened = Circuit.objects.get_or_create(
        consumer=consumer.name,
        defaults={"probe_at": datetime.now(UTC) + PAUSE, "last_error": describe(error)},
    )
    _knowledge.open.add(consumer.name)
    if opened:
        logger.error("%s is paused: %d different events failed in a row: %r", consumer.name, THRESHOLD, error)


def succeeded(consumer: Consumer, *, probe: bool) -> None:
    """Note that the consumer works; after a probe, close its circuit."""
    _knowledge.failing[consumer.name].clear()
    if probe:
        close(consumer.name)


def close(consumer: str) -> None:
    """Close a circuit: what is held is due now."""
    reach(Point.BEFORE_CLOSE)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM messaging_circuit WHERE consumer = %s", [consumer])
        held = ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.HELD, consumer=consumer)
        released = held.update(due_at=datetime.now(UTC))
        cursor.execute("SELECT pg_notify(%s, %s)", [channel.CHANNEL, channel.DUE])
    reach(Point.AFTER_CLOSE)
    _knowledge.open.discard(consumer)
    logger.warning("%s goes on; events that were held: %d", consumer, released)


def probe_failed(consumer: Consumer, message: Envelope, error: Exception) -> bool:
    """Hold a failed probe with the others and wait longer for the next; False if the circuit is closed."""
    says = describe(error)
    with transaction.atomic():
        circuit = Circuit.objects.select_for_update().filter(consumer=consumer.name).first()
        if not circuit:
            return False
        circuit.probes += 1
        circuit.last_error = says
        circuit.probe_at = datetime.now(UTC) + exponential_backoff(PAUSE, circuit.probes, LONGEST_PAUSE)
        circuit.save()
        return hold(consumer, [message], says)


def send_probes(session: psycopg.Connection[Any]) -> int:
    """Send the oldest held message of each circuit whose probe is due; return how many. The relay does it.

    A circuit that holds nothing closes: the next message that comes is its probe.
    """
    session.execute(_CLOSE_IDLE)
    sent = session.execute(_PROBE, [PROBE_LOST]).rowcount
    if sent:
        reach(Point.AFTER_PROBE)
    return sent
