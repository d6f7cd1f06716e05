"""Circuit breaker: pauses a consumer that fails at every event, and probes it with one event at a time.

While its circuit is open, the consumer's events are held in the database and no attempt is counted, however
long a provider is down. The relay sends due probes. Once a probe is consumed, the circuit closes and the held
events become due. A value that the database refuses pauses nobody: it is the event's own fault. An operator
opens a circuit too, see pauses.py: nothing but its end, or a hand, gives it back to the breaker.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from celery.utils.log import get_task_logger
from django.db import connection, transaction

from shop.messaging.backoff import exponential_backoff
from shop.messaging.consuming import tally
from shop.messaging.consuming.envelope import Envelope
from shop.messaging.consuming.registry import Consumer
from shop.messaging.errors import describe
from shop.messaging.failpoints import Point, reach
from shop.messaging.models import Circuit, ScheduledMessage
from shop.messaging.outbox import channel

logger = get_task_logger(__name__)

#: Different events that have to fail in a row in one process to open the circuit.
THRESHOLD = 5
#: First and longest wait between probes, doubled in between.
PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
#: Time after which a probe counts as lost and another one is sent; above the time limit of tasks.
PROBE_TIMEOUT = timedelta(seconds=90)
#: Time after which a held event is tried again although its circuit has not closed.
LONGEST_HOLD = timedelta(hours=1)
#: Seconds for which a process caches the open circuits.
CACHE_SECONDS = 1.0

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
    WHERE probe_at <= now() AND paused_by = '' AND NOT EXISTS (
        SELECT FROM messaging_scheduledmessage AS held
        WHERE held.kind = 'held' AND held.consumer = circuit.consumer)
    RETURNING consumer
"""
_RELEASE = """
    UPDATE messaging_scheduledmessage SET due_at = now() WHERE kind = 'held' AND consumer = ANY(%s)
"""
_PROBE = """
    WITH due AS (
        UPDATE messaging_circuit SET probe_at = now() + %s
        WHERE probe_at <= now() AND paused_by = '' RETURNING consumer
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


@dataclass
class LocalState:
    """State of this process: failures in a row, and a cache of the open circuits."""

    #: Consumer -> ids of the events that have failed since its last success.
    failed: defaultdict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    #: Consumers with an open circuit, as last read.
    open: set[str] = field(default_factory=set)
    #: Those of them that are paused by hand.
    by_hand: set[str] = field(default_factory=set)
    read_at: float = float("-inf")

    def refresh(self) -> None:
        """Read the open circuits."""
        found = dict(Circuit.objects.values_list("consumer", "paused_by"))
        self.open = set(found)
        self.by_hand = {consumer for consumer, operator in found.items() if operator}
        self.read_at = time.monotonic()

    def reset(self) -> None:
        """Return to the state of a new process."""
        self.failed.clear()
        self.open.clear()
        self.by_hand.clear()
        self.read_at = float("-inf")


local_state = LocalState()


def is_open(consumer: Consumer) -> bool:
    """Return whether the consumer is paused. The answer may be stale; hold() is authoritative."""
    if time.monotonic() - local_state.read_at > CACHE_SECONDS:
        local_state.refresh()
    return consumer.name in local_state.open


def lets_pass(consumer: Consumer, envelope: Envelope) -> bool:
    """Return whether a paused consumer gets an event: a probe, but none while a hand pauses it."""
    if envelope.is_probe and consumer.name in local_state.by_hand:
        local_state.refresh()  # the first probe after a pause overtakes the news of its end
    return envelope.is_probe and consumer.name not in local_state.by_hand


def hold(consumer: Consumer, envelopes: Sequence[Envelope], error: str = "") -> bool:
    """Hold events until the circuit closes, without counting an attempt; return False if it is closed."""
    if not envelopes:
        return True
    rows = {envelope.event.meta.id: _row(envelope) for envelope in envelopes}
    with transaction.atomic(), connection.cursor() as cursor:
        # close() waits for this lock, and then releases these events too.
        cursor.execute("SELECT FROM messaging_circuit WHERE consumer = %s FOR SHARE", [consumer.name])
        if not cursor.rowcount:
            local_state.open.discard(consumer.name)
            return False
        due_at = datetime.now(UTC) + LONGEST_HOLD
        columns = map(list, zip(*rows.values(), strict=True))
        reach(Point.BEFORE_HOLD)
        cursor.execute(_HOLD, [consumer.app, consumer.name, due_at, error, *columns])
    tally.count(tally.HELD, len(rows))
    reach(Point.AFTER_HOLD)
    return True


def _row(envelope: Envelope) -> tuple[Any, ...]:
    return (
        envelope.type,
        envelope.event.meta.id,
        envelope.event.aggregate_id,
        envelope.text,
        envelope.attempts,
        envelope.deferrals,
    )


def held(consumer: str) -> int:
    """Return the number of events held for a paused consumer."""
    return ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.HELD, consumer=consumer).count()


def failed(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    """Record a failure; open the circuit after THRESHOLD different events in a row."""
    events = local_state.failed[consumer.name]
    events.add(envelope.event.meta.id)
    if len(events) < THRESHOLD:
        return
    events.clear()
    _, opened = Circuit.objects.get_or_create(
        consumer=consumer.name,
        defaults={"probe_at": datetime.now(UTC) + PAUSE, "last_error": describe(error)},
    )
    local_state.open.add(consumer.name)
    if opened:
        logger.error("%s is paused: %d different events failed in a row: %r", consumer.name, THRESHOLD, error)


def succeeded(consumer: Consumer, *, probe: bool) -> None:
    """Record a success; after a probe close the circuit."""
    local_state.failed[consumer.name].clear()
    if probe:
        close(consumer.name)


def close(consumer: str) -> None:
    """Close a circuit, and make the held events due. A pause by hand stays: the probe came before it."""
    reach(Point.BEFORE_CLOSE)
    with transaction.atomic(), connection.cursor() as cursor:
        circuit = Circuit.objects.select_for_update().filter(consumer=consumer).first()
        if circuit and circuit.paused_by:
            return
        cursor.execute("DELETE FROM messaging_circuit WHERE consumer = %s", [consumer])
        cursor.execute(_RELEASE, [[consumer]])
        released = cursor.rowcount
        cursor.execute("SELECT pg_notify(%s, %s)", [channel.CHANNEL, channel.DUE])
    reach(Point.AFTER_CLOSE)
    local_state.open.discard(consumer)
    logger.warning("%s resumes; held events released: %d", consumer, released)


def probe_failed(consumer: Consumer, envelope: Envelope, error: Exception) -> bool:
    """Hold a failed probe again and back off; return False if the circuit is closed."""
    text = describe(error)
    with transaction.atomic():
        circuit = Circuit.objects.select_for_update().filter(consumer=consumer.name).first()
        if not circuit:
            return False
        circuit.probes += 1
        circuit.last_error = text
        circuit.probe_at = datetime.now(UTC) + exponential_backoff(PAUSE, circuit.probes, LONGEST_PAUSE)
        circuit.save()
        return hold(consumer, [envelope], text)


def send_probes(session: psycopg.Connection[Any]) -> int:
    """Move the oldest held event of each circuit with a due probe to the outbox; return their number.

    A circuit without held events closes: the next delivered event serves as its probe. The relay calls this.
    """
    closed = [consumer for (consumer,) in session.execute(_CLOSE_IDLE)]
    if closed:  # a worker that held an event at the same moment has committed before
        session.execute(_RELEASE, [closed])
    sent = session.execute(_PROBE, [PROBE_TIMEOUT]).rowcount
    if sent:
        reach(Point.AFTER_PROBE)
    return sent
