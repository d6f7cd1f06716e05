"""The chain without broker and workers: the same outbox rows, inbox and consumers, in this process."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import connection

from shop.messaging.consuming import Consumer, circuit_breaker, consumer_of, consumers, runner
from shop.messaging.contracts import Event, Reminder, cloudevents
from shop.messaging.models import Circuit, OutboxEntry, ScheduledMessage
from shop.messaging.relay import due

#: A chain that has not ended after so many deliveries will not end.
TOO_MANY = 10_000


def deliver_all(*, freeing_parked: bool = True) -> int:
    """Deliver what is in the outbox, and what that publishes, until all is quiet; return how many.

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
    """The consumers that the broker would route this entry to."""
    if entry.queue:
        consumer = consumer_of(entry.queue.removesuffix(".events"), entry.type)
        return [consumer] if consumer else []
    return [c for c in consumers() if entry.type in c.reads and not issubclass(c.event, Reminder)]


def deliver(event: Event, app: str | None = None) -> None:
    """Deliver one published event (again) to its consumers, or to that of one app."""
    body = json.loads(cloudevents.encode(event))
    for consumer in consumers():
        if event.type in consumer.reads and app in (None, consumer.app):
            runner.run(consumer, [body], [{}])


def deliver_batch(events: Sequence[Event], app: str) -> None:
    """Deliver published events of one type to an app's consumer in one run."""
    consumer = consumer_of(app, events[0].type)
    assert consumer
    runner.run(consumer, [json.loads(cloudevents.encode(event)) for event in events], [{}] * len(events))


def fire_reminders() -> int:
    """Make all reminders due, and deliver them and what follows."""
    ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.REMINDER).update(due_at=datetime.now(UTC))
    return deliver_all()


def fire_retries() -> int:
    """Make all retries due, let paused consumers go on, and deliver what follows."""
    for circuit in Circuit.objects.all():
        circuit_breaker.close(circuit.consumer)
    ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.RETRY).update(due_at=datetime.now(UTC))
    return deliver_all()


def promote_due() -> None:
    """What the relay does: move what is due to the outbox."""
    with connection.cursor() as cursor:
        cursor.execute(due._PROMOTE, [1000])
