"""In-process event delivery: outbox, inbox and consumers without broker and workers."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import connection

from shop.messaging.consuming import Consumer, circuit_breaker, consumer_of, consumers, runner
from shop.messaging.contracts import Event, Reminder, cloudevents
from shop.messaging.models import Circuit, OutboxEntry, ScheduledMessage
from shop.messaging.relay import due

#: Deliveries after which a chain of events is taken to be endless.
TOO_MANY = 10_000


def deliver_all(*, freeing_parked: bool = True) -> int:
    """Deliver the outbox until it stays empty, and return the number of deliveries.

    Parked events that their predecessor has freed are delivered too; retries and reminders wait.
    """
    delivered = 0
    while True:
        if freeing_parked:
            promote_due()
        entry = OutboxEntry.objects.order_by("id").first()
        if entry is None:
            return delivered
        entry.delete()
        for consumer in receivers(entry):
            runner.run(consumer, [json.loads(entry.body)], [entry.headers])
            delivered += 1
        assert delivered < TOO_MANY, "the chain does not come to rest"


def receivers(entry: OutboxEntry) -> list[Consumer]:
    """Return the consumers to which the broker would route the entry."""
    if entry.queue:
        consumer = consumer_of(entry.queue.removesuffix(".events"), entry.type)
        return [consumer] if consumer else []
    return [c for c in consumers() if entry.type in c.reads and not issubclass(c.event, Reminder)]


def deliver(event: Event, app: str | None = None) -> None:
    """Deliver a published event, perhaps again, to all its consumers or to that of one app."""
    body = json.loads(cloudevents.encode(event))
    for consumer in consumers():
        if event.type in consumer.reads and app in (None, consumer.app):
            runner.run(consumer, [body], [{}])


def deliver_batch(events: Sequence[Event], app: str) -> None:
    """Deliver published events of one type to an app's consumer as one batch."""
    consumer = consumer_of(app, events[0].type)
    assert consumer
    runner.run(consumer, [json.loads(cloudevents.encode(event)) for event in events], [{}] * len(events))


def fire_reminders() -> int:
    """Make all reminders due and deliver them and the events that follow."""
    ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.REMINDER).update(due_at=datetime.now(UTC))
    return deliver_all()


def fire_retries() -> int:
    """Resume paused consumers, make all retries due and deliver them and the events that follow."""
    for circuit in Circuit.objects.all():
        circuit_breaker.close(circuit.consumer)
    ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.RETRY).update(due_at=datetime.now(UTC))
    return deliver_all()


def promote_due() -> None:
    """Move due scheduled messages to the outbox, as the relay does."""
    connection.ensure_connection()
    due.promote_due(connection.connection)
