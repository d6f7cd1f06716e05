"""Dead letters for tests, as they come about in life."""

import json
from uuid import UUID

from django.db import transaction

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, envelope, failures
from shop.messaging.contracts import cloudevents
from shop.messaging.errors import PermanentFailure
from shop.messaging.models import DeadLetter, OutboxEntry
from shop.messaging.publishing import publish, stamp

ANALYTICS = "analytics.when_order_cancelled_count_it"


def a_cancellation() -> str:
    """The message that tells of a cancelled order."""
    order = OrderCancelled(order_id=uuid7(), number="ORD-1041", reason="customer")
    with transaction.atomic():
        return cloudevents.encode(stamp(order))


def died(*, error: Exception | None = None, order_id: UUID | None = None, **headers: int) -> DeadLetter:
    """A cancellation that analytics could not take."""
    with transaction.atomic():
        event = publish(OrderCancelled(order_id=order_id or uuid7(), number="ORD-1042", reason="customer"))
        OutboxEntry.objects.filter(message_id=event.meta.id).delete()
    consumer = consumer_of("analytics", OrderCancelled.type)
    message = envelope.Envelope(json.loads(cloudevents.encode(event)), headers, event)
    failures.dead_letter(consumer, message, error or PermanentFailure("no such order"))
    return DeadLetter.objects.get(event_id=event.meta.id)


def unreadable(body: str) -> DeadLetter:
    """A message to analytics that nobody could read."""
    failures.dead_letter_unreadable(app="analytics", body=body, error_type="InvalidMessage", error="no JSON")
    return DeadLetter.objects.latest("pk")
