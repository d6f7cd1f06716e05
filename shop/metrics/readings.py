"""Readings of the kernel's tables and of the event bus."""

from collections.abc import Iterator

from celery import current_app

from shop.messaging.bus.port import event_bus
from shop.messaging.operations import pressure
from shop.metrics import families
from shop.metrics.sources import Sample, source


@source
def outbox() -> Iterator[Sample]:
    """Yield depth and age of the outbox, and the number of relays."""
    found = pressure.outbox()
    yield Sample(families.OUTBOX_MESSAGES, found.entries)
    yield Sample(families.OUTBOX_AGE, found.age)
    yield Sample(families.RELAYS, found.relays)


@source
def scheduled() -> Iterator[Sample]:
    """Yield the scheduled messages by kind, and those that are overdue."""
    for kind, number in pressure.scheduled().items():
        yield Sample(families.SCHEDULED_MESSAGES, number, (kind,))
    yield Sample(families.OVERDUE_MESSAGES, pressure.overdue_messages())


@source
def dead_letters() -> Iterator[Sample]:
    """Yield the open dead letters."""
    for (app, consumer), number in pressure.open_dead_letters().items():
        yield Sample(families.OPEN_DEAD_LETTERS, number, (app, consumer))


@source
def paused_consumers() -> Iterator[Sample]:
    """Yield the paused consumers."""
    for labels, seconds in pressure.paused_consumers().items():
        yield Sample(families.PAUSED_CONSUMER, seconds, labels)


@source
def queues() -> Iterator[Sample]:
    """Yield the depth of each events queue, as the event bus tells it."""
    for queue, number in event_bus(current_app._get_current_object()).depths().items():  # type: ignore[attr-defined]
        yield Sample(families.QUEUE_MESSAGES, number, (queue,))
