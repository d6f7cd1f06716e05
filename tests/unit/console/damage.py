"""Helpers that damage a shop, run a check-up and read the result."""

import json
from datetime import UTC, datetime, timedelta

from django.db import connection

from console.doctor.checkups import CheckupResult, check_up
from orders.events import OrderCreated
from orders.models import Order
from payments.models import GatewayFault, Payment
from shipping.models import CarrierFault, Shipment
from shop.messaging.consuming import Consumer, consumers, runner
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from tests.support.inprocess import promote_due, receivers

NOW = timedelta(0)
#: Apps with a consumer of OrderCreated.
READERS = [consumer.app for consumer in consumers() if consumer.event is OrderCreated]


def repair(grace: timedelta = NOW) -> CheckupResult:
    """Run a check-up with repairs, by default without any grace."""
    return check_up(by="dora", repair=True, grace=grace)


def states(result: CheckupResult) -> set[tuple[str, str]]:
    """Return kind and state of the findings."""
    return {(finding.kind, str(outcome.state)) for finding, outcome in result.outcomes}


def deliver_without(*losing: str, consumed: bool = False, reminders: bool = False) -> None:
    """Run the chain, but lose the events for some consumers.

    Args:
        losing: names of consumers, or of apps whose whole queue loses its events.
        consumed: record the lost events as consumed, without any effect.
        reminders: fire the reminders of parcels and refunds, too.
    """
    for _ in range(8):
        if reminders:
            due = ScheduledMessage.objects.exclude(type="orders.OrderDeadlinePassed.v1")
            due.update(due_at=datetime.now(UTC))
        promote_due()
        while entry := OutboxEntry.objects.order_by("id").first():
            entry.delete()
            for consumer in receivers(entry):
                _deliver(entry, consumer, losing, consumed)
            promote_due()


def _deliver(entry: OutboxEntry, consumer: Consumer, losing: tuple[str, ...], consumed: bool) -> None:
    if consumer.name not in losing and consumer.app not in losing:
        runner.run(consumer, [json.loads(entry.body)], [entry.headers])
    elif consumed:
        InboxEntry.objects.create(event_id=entry.message_id, consumer=consumer.name)


def lose_outbox() -> None:
    """Delete all unpublished events, as if the broker had confirmed and lost them."""
    OutboxEntry.objects.all().delete()


def lose_timers() -> None:
    """Delete all reminders."""
    ScheduledMessage.objects.filter(kind="reminder").delete()


def dead_letter_retries() -> list[DeadLetter]:
    """Turn all scheduled retries into dead letters."""
    letters = [
        DeadLetter.objects.create(
            cause="failed",
            app=retry.app,
            consumer=retry.consumer,
            type=retry.type,
            event_id=retry.message_id,
            aggregate_id=retry.aggregate_id,
            body=retry.body,
            error_type="GatewayTimeout",
            error=retry.last_error,
        )
        for retry in ScheduledMessage.objects.filter(kind="retry")
    ]
    ScheduledMessage.objects.filter(kind="retry").delete()
    return letters


def let_hours_pass(hours: int = 48) -> None:
    """Move events, orders, payments and shipments into the past, but not the timers."""
    ago = timedelta(hours=hours)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER event_append_only")
        cursor.execute("UPDATE messaging_eventrecord SET time = time - %s::interval", [f"{hours} hours"])
        cursor.execute("ALTER TABLE messaging_eventrecord ENABLE TRIGGER event_append_only")
        cursor.execute("UPDATE orders_order SET changed_at = changed_at - %s::interval", [f"{hours} hours"])
    for model in (Payment, Shipment):
        model.objects.update(updated_at=datetime.now(UTC) - ago)


def mend_providers() -> None:
    """Remove all faults of gateway and carrier."""
    GatewayFault.objects.all().delete()
    CarrierFault.objects.all().delete()


def status_of(order: Order) -> str:
    order.refresh_from_db()
    return order.status
