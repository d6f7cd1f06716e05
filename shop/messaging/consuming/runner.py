"""Runner of a consumer over delivered messages: the body of every consumer task."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from celery.exceptions import Reject
from celery.utils.log import get_task_logger
from django.db import connection

from shop.messaging import database_errors
from shop.messaging.consuming import circuit_breaker, failures, inbox
from shop.messaging.consuming.envelope import Envelope
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

logger = get_task_logger(__name__)

#: Tries in one go, before the event is put aside for later.
IMMEDIATE_TRIES = 3

#: Seconds between them, at the most.
IMMEDIATE_PAUSE = 0.1

#: Seconds that a run waits for the database to come back before it hands its messages back.
OUTAGE_TIMEOUT = 30.0

#: Seconds after which a run begins nothing more and hands back what is left: far below a task's time limit.
RUN_TIME_LIMIT = 25.0


def run(consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]) -> None:
    """Consume messages: all in one transaction, or one by one where that fails.

    It returns once every message is consumed, put aside for later or a dead letter, all of them
    durably. While the database is away it waits, and then rejects them unconsumed (celery's Reject).
    """
    until = time.monotonic() + OUTAGE_TIMEOUT
    while True:
        try:
            _run(consumer, bodies, headers)
        except Exception as error:
            if not database_errors.is_outage(error):
                raise
            _leave_connection()
            if time.monotonic() > until:
                raise Reject(f"the database is away: {error}", requeue=True) from error
            logger.warning("%s waits for the database: %s", consumer.name, error)
            time.sleep(random.uniform(0.2, 1.0))
        else:
            return


def _leave_connection() -> None:
    """Close the connection so that the next query makes another.

    Django keeps a closed one while it believes to be in a transaction: for good, if a signal's exception
    kept it from ending one. A run is never inside one.
    """
    connection.in_atomic_block = connection.closed_in_transaction = False
    connection.close()


def _run(consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]) -> None:
    until = time.monotonic() + RUN_TIME_LIMIT
    messages = [m for body, head in zip(bodies, headers, strict=True) if (m := _read(consumer, body, head))]
    messages = _without_held(consumer, messages)
    if len(messages) > 1:
        try:
            _consume(consumer, [message.event for message in messages])
        except Exception as error:
            if database_errors.is_outage(error):
                raise
            logger.info("%s: a batch of %d is split: %r", consumer.name, len(messages), error)
        else:
            circuit_breaker.succeeded(consumer, probe=any(message.is_probe for message in messages))
            return
    for message in messages:
        if time.monotonic() > until:
            raise Reject(f"{consumer.name} takes long: the rest is handed back", requeue=True)
        if _without_held(consumer, [message]):  # the ones before it may have opened the circuit
            _consume_alone(consumer, message)


def _without_held(consumer: Consumer, messages: list[Envelope]) -> list[Envelope]:
    """What is to be consumed now: all of it, or only the probe where the consumer is paused."""
    if not circuit_breaker.is_open(consumer):
        return messages
    held = [message for message in messages if not message.is_probe]
    if not circuit_breaker.hold(consumer, held):
        return messages
    return [message for message in messages if message.is_probe]


def _read(consumer: Consumer, body: Any, headers: dict[str, int]) -> Envelope | None:
    try:
        message = Envelope(body, headers, cloudevents.decode(body))
    except (InvalidMessage, UnknownEventType) as error:
        failures.dead_letter_unreadable(
            app=consumer.app,
            consumer=consumer.name,
            body=json.dumps(body),
            error_type=type(error).__name__,
            error=str(error),
        )
        return None
    if type(message.event) is consumer.event:
        return message
    try:
        return replace(message, event=as_version(message.event, consumer.event))
    except Exception as error:  # noqa: BLE001 - an upcast may fail as a consumer may
        failures.retry_later(consumer, message, error)
        return None


def _consume_alone(consumer: Consumer, message: Envelope) -> None:
    for tries_left in reversed(range(IMMEDIATE_TRIES)):
        try:
            _consume(consumer, [message.event])
        except TooEarly as error:
            failures.defer(consumer, message, error)
        except PermanentFailure as error:
            failures.dead_letter(consumer, message, error)
        except Exception as error:
            if database_errors.is_outage(error):
                raise
            if tries_left:
                time.sleep(random.uniform(0, IMMEDIATE_PAUSE))
                continue
            _retry_later(consumer, message, error)
            return
        # Also one that is parked or buried has shown that the consumer works.
        circuit_breaker.succeeded(consumer, probe=message.is_probe)
        return


def _retry_later(consumer: Consumer, message: Envelope, error: Exception) -> None:
    if message.is_probe and circuit_breaker.probe_failed(consumer, message, error):
        return
    failures.retry_later(consumer, message, error)
    circuit_breaker.failed(consumer, message, error)


def _consume(consumer: Consumer, events: list[Event]) -> None:
    if consumer.calls_outside:
        _consume_outside(consumer, events)
        return
    consumption = inbox.Consumption(consumer, events)
    with consuming(consumption), unit_of_work():
        if consumption.events:
            _hand_over(consumption)


def _consume_outside(consumer: Consumer, events: list[Event]) -> None:
    fresh = inbox.unconsumed(consumer, events)
    if not fresh:
        return
    consumption = inbox.Consumption(consumer, fresh)
    try:
        with consuming(consumption):
            _hand_over(consumption)
            if not consumption.recorded:  # it found nothing to do
                with unit_of_work():
                    pass
            if consumption.incomplete:
                raise RuntimeError(f"{consumer.name} left events out and did not say why")
    except AlreadyConsumed:
        if len(fresh) > 1:
            raise  # consumed alone, each event shows whether it was


def _hand_over(consumption: inbox.Consumption) -> None:
    handler = consumption.consumer.handler
    if consumption.consumer.takes_batch:
        handler(consumption.events)
        return
    for event in consumption.events:
        consumption.event = event
        handler(event)
    consumption.event = None
