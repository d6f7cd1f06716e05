"""Runner of consumers over delivered events: the body of each consumer's task."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from celery.exceptions import Reject
from celery.utils.log import get_task_logger
from django.db import DataError, connection

from shop.messaging import database_errors
from shop.messaging.consuming import circuit_breaker, failures, fence, inbox, tally
from shop.messaging.consuming.envelope import UNSIGNED, Envelope
from shop.messaging.consuming.registry import Consumer
from shop.messaging.contracts import Event, as_version, cloudevents
from shop.messaging.errors import (
    AlreadyConsumed,
    InvalidMessage,
    PermanentFailure,
    TooEarly,
    UnknownEventType,
)
from shop.messaging.outbox.unit_of_work import consuming, unit_of_work
from shop.messaging.signing import log
from shop.messaging.signing.events import SIGNATURE
from shop.messaging.tracing import log_context, spans

logger = get_task_logger(__name__)

#: Body and headers of a delivered event.
_Delivery = tuple[Any, dict[str, int]]

#: Tries in a row before a retry is scheduled.
IMMEDIATE_TRIES = 3

#: Longest wait between these tries, in seconds.
IMMEDIATE_PAUSE = 0.1

#: Seconds that a run waits for the database before it rejects its messages.
OUTAGE_TIMEOUT = 30.0

#: Seconds after which a run starts no further event and rejects its messages. Far below a task's time limit.
RUN_TIME_LIMIT = 25.0


def run(consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]) -> str | None:
    """Consume events: all in one transaction or, after a failure, one by one.

    On return each event is consumed, scheduled or a dead letter, durably. The tally is returned, for metrics.

    Args:
        consumer: the consumer to run.
        bodies: CloudEvents, parsed from JSON.
        headers: delivery headers of each.

    Raises:
        Reject: the database was away for OUTAGE_TIMEOUT, or the run exceeded RUN_TIME_LIMIT. The messages are
            redelivered; the inbox skips consumed events.
    """
    with tally.tallied() as counted:
        _run_in_spite_of_outages(consumer, bodies, headers)
    return counted.text() if counted else None


def _run_in_spite_of_outages(
    consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]
) -> None:
    until = time.monotonic() + OUTAGE_TIMEOUT
    while True:
        try:
            _run(consumer, bodies, headers)
        except Exception as error:
            if not database_errors.is_outage(error):
                raise
            _discard_connection()
            if time.monotonic() > until:
                raise Reject(f"the database is away: {error}", requeue=True) from error
            logger.warning("%s waits for the database: %s", consumer.name, error)
            time.sleep(random.uniform(0.2, 1.0))
        else:
            return


def _discard_connection() -> None:
    """Close the connection so that the next query opens another.

    Django keeps a closed connection as long as it assumes an open transaction: forever, if an exception from
    a signal handler interrupted the end of an atomic block. No transaction is open here.
    """
    connection.in_atomic_block = connection.closed_in_transaction = False
    connection.close()


def _run(consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]) -> None:
    until = time.monotonic() + RUN_TIME_LIMIT
    believed = fence.refuse_lost(consumer, _believed(consumer, list(zip(bodies, headers, strict=True))))
    envelopes = [envelope for body, head in believed if (envelope := _read(consumer, body, head))]
    envelopes = _hold_while_paused(consumer, envelopes)
    if len(envelopes) > 1 and _consume_together(consumer, envelopes):
        return
    for envelope in envelopes:
        if time.monotonic() > until:
            raise Reject(f"{consumer.name} ran for {RUN_TIME_LIMIT:.0f} s, redeliver the rest", requeue=True)
        if _hold_while_paused(consumer, [envelope]):  # an earlier event may have opened the circuit
            with log_context.about(consumer.name, [envelope.event]):
                _consume_alone(consumer, envelope)


def _consume_together(consumer: Consumer, envelopes: list[Envelope]) -> bool:
    """Consume events in one transaction; return False if that failed."""
    events = [envelope.event for envelope in envelopes]
    with log_context.about(consumer.name, events):
        try:
            _consume(consumer, envelopes)
        except Exception as error:
            if database_errors.is_outage(error):
                raise
            tally.count_failure()
            logger.info("%s: splitting a batch of %d: %r", consumer.name, len(envelopes), error)
            return False
        circuit_breaker.succeeded(consumer, probe=any(envelope.is_probe for envelope in envelopes))
        return True


def _hold_while_paused(consumer: Consumer, envelopes: list[Envelope]) -> list[Envelope]:
    """Hold all events but a probe if the consumer is paused; return the events to consume."""
    if not circuit_breaker.is_open(consumer):
        return envelopes
    passing = [envelope for envelope in envelopes if circuit_breaker.lets_pass(consumer, envelope)]
    held = [envelope for envelope in envelopes if envelope not in passing]
    return passing if circuit_breaker.hold(consumer, held) else envelopes


def _believed(consumer: Consumer, deliveries: list[_Delivery]) -> list[_Delivery]:
    """Make dead letters of the unsigned events that the log does not have; return the other events."""
    unsigned = [body for body, headers in deliveries if UNSIGNED in headers]
    if not unsigned:
        return deliveries
    proven = {id(body) for body in log.logged(unsigned)}
    for body in unsigned:
        if id(body) not in proven:
            failures.dead_letter_forged(app=consumer.app, consumer=consumer.name, body=json.dumps(body))
    return [one for one in deliveries if UNSIGNED not in one[1] or id(one[0]) in proven]


def _read(consumer: Consumer, body: Any, headers: dict[str, int]) -> Envelope | None:
    if isinstance(body, dict):
        body.pop(SIGNATURE, None)  # it belongs to this delivery: the relay signs again what is sent again
    try:
        envelope = Envelope(body, headers, cloudevents.read(body))
    except (InvalidMessage, UnknownEventType) as error:
        failures.dead_letter_unreadable(
            app=consumer.app,
            consumer=consumer.name,
            body=json.dumps(body),
            error_type=type(error).__name__,
            error=str(error),
        )
        return None
    if type(envelope.event) is consumer.event:
        return envelope
    try:
        return replace(envelope, event=as_version(envelope.event, consumer.event))
    except Exception as error:  # noqa: BLE001 - a failed upcast is retried like a failed consumer
        failures.retry_later(consumer, envelope, error)
        return None


def _consume_alone(consumer: Consumer, envelope: Envelope) -> None:
    for tries_left in reversed(range(IMMEDIATE_TRIES)):
        try:
            _consume(consumer, [envelope])
        except TooEarly as error:
            failures.defer(consumer, envelope, error)
        except PermanentFailure as error:
            tally.count_failure()
            failures.dead_letter(consumer, envelope, error)
        except Exception as error:
            if database_errors.is_outage(error):
                raise
            tally.count_failure()
            if tries_left:
                time.sleep(random.uniform(0, IMMEDIATE_PAUSE))
                continue
            _retry_later(consumer, envelope, error)
            return
        # A deferral or a permanent failure also shows that the consumer works.
        circuit_breaker.succeeded(consumer, probe=envelope.is_probe)
        return


def _retry_later(consumer: Consumer, envelope: Envelope, error: Exception) -> None:
    if isinstance(error, DataError):  # the fault of the event's own values: others need not wait
        failures.retry_later(consumer, envelope, error)
        circuit_breaker.succeeded(consumer, probe=envelope.is_probe)
        return
    if envelope.is_probe and circuit_breaker.probe_failed(consumer, envelope, error):
        return
    failures.retry_later(consumer, envelope, error)
    circuit_breaker.failed(consumer, envelope, error)


def _consume(consumer: Consumer, envelopes: Sequence[Envelope]) -> None:
    events = [envelope.event for envelope in envelopes]
    attempts = {envelope.event.meta.id: envelope.attempts for envelope in envelopes if envelope.attempts}
    consume = _consume_outside if consumer.calls_outside else _consume_inside
    with spans.processed(consumer.name, events):
        consume(consumer, events, attempts)


def _consume_inside(consumer: Consumer, events: list[Event], attempts: Mapping[UUID, int]) -> None:
    consumption = inbox.Consumption(consumer, events, attempts)
    with consuming(consumption), unit_of_work():
        if consumption.events:
            _call_handler(consumption)
    tally.count_consumed(consumption.consumed)


def _consume_outside(consumer: Consumer, events: list[Event], attempts: Mapping[UUID, int]) -> None:
    fresh = inbox.unconsumed(consumer, events)
    if not fresh:
        return
    consumption = inbox.Consumption(consumer, fresh, attempts)
    try:
        with consuming(consumption):
            _call_handler(consumption)
            if not consumption.recorded:  # the handler had nothing to do
                with unit_of_work():
                    pass
            if consumption.incomplete:
                raise RuntimeError(f"{consumer.name} left events out without raising the reason")
    except AlreadyConsumed:
        if len(fresh) > 1:
            raise  # the batch is split; alone, a consumed event is skipped
    finally:
        tally.count_consumed(consumption.consumed)


def _call_handler(consumption: inbox.Consumption) -> None:
    handler = consumption.consumer.handler
    if consumption.consumer.takes_batch:
        handler(consumption.events)
        return
    for event in consumption.events:
        consumption.event = event
        handler(event)
    consumption.event = None
