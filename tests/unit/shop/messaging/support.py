"""Consumers without a context, and events for them."""

import json

from django.db import transaction

from shop.ids import uuid7
from shop.messaging.consuming import Consumer, runner
from shop.messaging.contracts import Event, cloudevents
from shop.messaging.publishing import publish
from tests.contracts.probe.events import ProbeSent


def a_consumer(handler, **options) -> Consumer:
    defaults = {
        "app": "tests",
        "name": "tests.when_probe_sent_try",
        "event": ProbeSent,
        "emits": (),
        "batch": 10,
    }
    return Consumer(
        **{**defaults, "handler": handler, "takes_batch": False, "calls_outside": False, **options}
    )


def published(count: int = 1) -> list[Event]:
    with transaction.atomic():
        return [publish(ProbeSent(probe_id=uuid7(), number=n)) for n in range(count)]


def run(consumer: Consumer, events: list[Event], headers: dict[str, int] | None = None) -> None:
    bodies = [json.loads(cloudevents.encode(event)) for event in events]
    runner.run(consumer, bodies, [headers or {}] * len(bodies))
