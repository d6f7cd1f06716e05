"""Factories of dead letters for tests."""

import json
from uuid import UUID

from django.db import transaction

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, envelope, failures
from shop.messaging.contracts import cloudevents
from shop.messaging.dead_letters import ReplayProgress, Selection, replay_dead_letters
from shop.messaging.errors import PermanentFailure
from shop.messaging.models import DeadLetter, OutboxEntry
from shop.messaging.publishing import publish, stamp
from shop.messaging.signing.events import signed

ANALYTICS = "analytics.when_order_cancelled_count_it"


def a_cancellation() -> str:
    """Return the message of an OrderCancelled event."""
    event = OrderCancelled(order_id=uuid7(), number="ORD-1041", reason="customer")
    with transaction.atomic():
        return cloudevents.encode(stamp(event))


def died(*, error: Exception | None = None, order_id: UUID | None = None, **headers: int) -> DeadLetter:
    """Record a cancellation as a dead letter of analytics."""
    with transaction.atomic():
        event = publish(OrderCancelled(order_id=order_id or uuid7(), number="ORD-1042", reason="customer"))
        OutboxEntry.objects.filter(message_id=event.meta.id).delete()
    consumer = consumer_of("analytics", OrderCancelled.type)
    message = envelope.Envelope(json.loads(cloudevents.encode(event)), headers, event)
    failures.dead_letter(consumer, message, error or PermanentFailure("no such order"))
    return DeadLetter.objects.get(event_id=event.meta.id)


def unreadable(body: str) -> DeadLetter:
    """Record an unreadable message to analytics as a dead letter."""
    failures.dead_letter_unreadable(app="analytics", body=body, error_type="InvalidMessage", error="no JSON")
    return DeadLetter.objects.latest("pk")


def replay_all(selection: Selection) -> ReplayProgress:
    progress = ReplayProgress()
    for _ in replay_dead_letters(selection, by="olga", progress=progress):
        pass
    return progress


def as_if_read_by_a_later_version() -> DeadLetter:
    """Record a dead letter that was unreadable on arrival and is readable now."""
    event_id = uuid7()
    body = json.dumps({**json.loads(a_cancellation()), "id": str(event_id)})
    return unreadable(signed(body, event_id, OrderCancelled.type))
