"""Helpers of analytics: consume events as the kernel does, and read all tables."""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from analytics.models import READ_MODELS
from shop.messaging.consuming import consumer_of, runner
from shop.messaging.contracts import Event, cloudevents
from shop.messaging.models import ScheduledMessage


def consume(events: Sequence[Event]) -> None:
    """Deliver events to analytics in micro-batches of neighbours of one type."""
    for type_, alike in groupby(events, key=lambda event: event.type):
        bodies = [json.loads(cloudevents.encode(event)) for event in alike]
        consumer = consumer_of("analytics", type_)
        assert consumer, type_
        runner.run(consumer, bodies, [{}] * len(bodies))
    failures = ScheduledMessage.objects.values_list("last_error", flat=True)
    assert not failures, set(failures)


def figures() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all read models."""
    return {
        model.__name__: sorted(
            ({k: v for k, v in row.items() if k != "id"} for row in model.objects.values()), key=str
        )
        for model in READ_MODELS
    }
