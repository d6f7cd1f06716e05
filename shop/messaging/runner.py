"""Runs a consumer over delivered messages: the body of every consumer task."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.exceptions import Reject
from celery.utils.log import get_task_logger
from django.db import connection, transaction

from shop.messaging import cloudevents, failures, inbox, outbox
from shop.messaging.contracts import Event
from shop.messaging.errors import (
    AlreadyConsumed,
    InvalidMessage,
    PermanentFailure,
    TooEarly,
    UnknownEventType,
)

if TYPE_CHECKING:
    from shop.messaging.consuming import Consumer

logger = get_task_logger(__name__)

#: Tries in one go, before the event is put aside for later.
IMMEDIATE_TRIES = 3
#: Seconds between them, at the most.
IMMEDIATE_PAUSE = 0.1
#: Seconds that a run waits for the database to come back before it hands its messages back.
OUTAGE_PATIENCE = 30.0


@dataclass(frozen=True)
class Message:
    """A delivered CloudEvent with what the earlier deliveries left in its headers."""

    body: Any
    headers: dict[str, int]
    event: Event

    @property
    def text(self) -> str:
        """The CloudEvent as JSON."""
        return json.dumps(self.body)


def run(consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]) -> None:
    """Consume messages: all in one transaction, or one by one where that fails.

    It returns once every message is consumed, put aside for later or a dead letter, all of them
    durably. While the database is away it waits, and then rejects them unconsumed (celery's Reject).
    """
    until = time.monotonic() + OUTAGE_PATIENCE
    while True:
        try:
            _run(consumer, bodies, headers)
        except Exception as error:
            if not failures.is_outage(error):
                raise
            connection.close()
            if time.monotonic() > until:
                raise Reject(f"the database is away: {error}", requeue=True) from error
            logger.warning("%s waits for the database: %s", consumer.name, error)
            time.sleep(random.uniform(0.2, 1.0))
        else:
            return


def _run(consumer: Consumer, bodies: Sequence[Any], headers: Sequence[dict[str, int]]) -> None:
    messages = [m for body, head in zip(bodies, headers, strict=True) if (m := _read(consumer, body, head))]
    if len(messages) > 1:
        try:
            _consume(consumer, [message.event for message in messages])
        except Exception as error:
            if failures.is_outage(error):
                raise
            logger.info("%s: a batch of %d is split: %r", consumer.name, len(messages), error)
        else:
            return
    for message in messages:
        _consume_alone(consumer, message)


def _read(consumer: Consumer, body: Any, headers: dict[str, int]) -> Message | None:
    try:
        return Message(body, headers, cloudevents.decode(body))
    except (InvalidMessage, UnknownEventType) as error:
        failures.bury_unreadable(app=consumer.app, consumer=consumer.name, body=json.dumps(body), error=error)
        return None


def _consume_alone(consumer: Consumer, message: Message) -> None:
    for tries_left in reversed(range(IMMEDIATE_TRIES)):
        try:
            return _consume(consumer, [message.event])
        except TooEarly as error:
            return failures.park(consumer, message, error)
        except PermanentFailure as error:
            return failures.bury(consumer, message, error)
        except Exception as error:
            if failures.is_outage(error):
                raise
            if not tries_left:
                return failures.retry_later(consumer, message, error)
            time.sleep(random.uniform(0, IMMEDIATE_PAUSE))
    return None


def _consume(consumer: Consumer, events: list[Event]) -> None:
    if consumer.calls_outside:
        _consume_outside(consumer, events)
        return
    with transaction.atomic(), outbox.collected():
        fresh = inbox.record(consumer, events)
        if not fresh:
            return
        delivery = inbox.Delivery(consumer, fresh, recorded=True)
        with inbox.delivering(delivery):
            _hand_over(delivery)


def _consume_outside(consumer: Consumer, events: list[Event]) -> None:
    fresh = inbox.unconsumed(consumer, events)
    if not fresh:
        return
    delivery = inbox.Delivery(consumer, fresh)
    try:
        with inbox.delivering(delivery):
            _hand_over(delivery)
            if not delivery.recorded:  # it found nothing to do
                with inbox.effects():
                    pass
    except AlreadyConsumed:
        if len(fresh) > 1:
            raise  # some of them; alone, each shows whether it was


def _hand_over(delivery: inbox.Delivery) -> None:
    handler = delivery.consumer.handler
    if delivery.consumer.takes_batch:
        handler(delivery.events)
        return
    for event in delivery.events:
        delivery.event = event
        handler(event)
    delivery.event = None
