"""Helpers of tests of sending: deliver batches to notifications, and read the outcomes."""

import json

from notifications import consumers, services  # noqa: F401 - registers the consumers
from notifications.models import Notification, Recipient
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, runner
from shop.messaging.contracts import cloudevents
from shop.messaging.models import ScheduledMessage
from tests.unit.notifications.facts import order_created, published

BACKENDS = "tests.unit.notifications.backends."


def deliver_together(events):
    """Deliver events of one type as a micro-batch to the consumer in notifications."""
    bodies = [json.loads(cloudevents.encode(event)) for event in events]
    runner.run(consumer_of("notifications", events[0].type), bodies, [{}] * len(bodies))


def orders(how_many, **facts):
    return [published(order_created(f"ORD-{n}", **facts)) for n in range(how_many)]


def known_recipients(how_many):
    """Remember recipients, and return the ids of their orders, sorted."""
    people = [
        Recipient(order_id=uuid7(), number=f"ORD-{n}", name="Alice Liddell", email="alice@example.com")
        for n in range(how_many)
    ]
    services.remember_recipients(recipients=people)
    return [person.order_id for person in people]


def states():
    return sorted(Notification.objects.values_list("state", flat=True))


def waiting(kind):
    return ScheduledMessage.objects.filter(kind=kind).count()
