"""Ways to damage a shop, and to have it examined."""

import json
from datetime import UTC, datetime, timedelta

from django.db import connection

from console.doctor.checkups import Treatment, check_up
from orders.models import Order
from payments.models import GatewayFault, Payment
from shipping.models import CarrierFault, Shipment
from shop.messaging.consuming import Consumer, runner
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from tests.support.inprocess import promote_due, receivers

NOW = timedelta(0)


def repaired(grace: timedelta = NOW) -> Treatment:
    """What a doctor finds and does, who takes nothing to be under way."""
    return check_up(by="dora", repair=True, grace=grace)


def seen(treatment: Treatment) -> set[tuple[str, str]]:
    """Kind and fate of each finding."""
    return {(finding.kind, str(outcome.state)) for finding, outcome in treatment.outcomes}


def deliver_without(*swallowed: str, consumed: bool = False, reminders: bool = False) -> None:
    """Let the chain run, but for what these consumers should get: it is lost.

    Args:
        swallowed: names of consumers, or of apps, whose whole queue is lost then.
        consumed: what is swallowed counts as consumed, without having had any effect.
        reminders: let parcels and refunds move as well.
    """
    for _ in range(8):
        if reminders:
            due = ScheduledMessage.objects.exclude(type="orders.OrderDeadlinePassed.v1")
            due.update(due_at=datetime.now(UTC))
        promote_due()
        while entry := OutboxEntry.objects.order_by("id").first():
            entry.delete()
            for consumer in receivers(entry):
                _deliver(entry, consumer, swallowed, consumed)
            promote_due()


def _deliver(entry: OutboxEntry, consumer: Consumer, swallowed: tuple[str, ...], consumed: bool) -> None:
    if consumer.name not in swallowed and consumer.app not in swallowed:
        runner.run(consumer, [json.loads(entry.body)], [entry.headers])
    elif consumed:
        InboxEntry.objects.create(event_id=entry.message_id, consumer=consumer.name)


def lose_outbox() -> None:
    """Everything that is to be published is gone, as if the broker had confirmed and lost it."""
    OutboxEntry.objects.all().delete()


def lose_timers() -> None:
    """Nobody is reminded of anything any more."""
    ScheduledMessage.objects.filter(kind="reminder").delete()


def bury_retries() -> list[DeadLetter]:
    """Whatever is to be retried has failed for good."""
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
    """Everything so far happened hours ago; timers stay where they are."""
    ago = timedelta(hours=hours)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER event_append_only")
        cursor.execute("UPDATE messaging_eventrecord SET time = time - %s::interval", [f"{hours} hours"])
        cursor.execute("ALTER TABLE messaging_eventrecord ENABLE TRIGGER event_append_only")
        cursor.execute("UPDATE orders_order SET changed_at = changed_at - %s::interval", [f"{hours} hours"])
    for model in (Payment, Shipment):
        model.objects.update(updated_at=datetime.now(UTC) - ago)


def mend_providers() -> None:
    """Gateway and carrier work as they should."""
    GatewayFault.objects.all().delete()
    CarrierFault.objects.all().delete()


def status_of(order: Order) -> str:
    order.refresh_from_db()
    return order.status
