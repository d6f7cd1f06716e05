"""Pending messages: found in the outbox beside messages that PostgreSQL cannot parse."""

import json
from datetime import UTC, datetime

import pytest
from django.db import transaction

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.consuming import failures
from shop.messaging.models import OutboxEntry, ScheduledMessage
from shop.messaging.operations.queries import PendingMessage, pending_messages
from shop.messaging.publishing import publish
from shop.messaging.relay import due, relay

pytestmark = pytest.mark.django_db(transaction=True)


def unknown_message_in_outbox(**extra: object) -> None:
    """Put a message of unknown type into the outbox: scheduled by a worker, then promoted by the relay."""
    envelope = {"specversion": "1.0", "id": str(uuid7()), "source": "/x", "type": "orders.OrderPraised.v1"}
    body = json.dumps(envelope | extra)
    failures.retry_unknown_later(app="payments", body=body, error="payments does not consume it", attempts=0)
    ScheduledMessage.objects.update(due_at=datetime.now(UTC))
    with relay.connect() as session:
        due.promote_due(session)
    assert OutboxEntry.objects.get().body == body


def publish_cancellation() -> OrderCancelled:
    with transaction.atomic():
        return publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))


@pytest.mark.parametrize(
    "data", ["\0", "\ud800", {"subject": "praise"}], ids=["NUL", "unpaired surrogate", "another subject"]
)
def test_a_strangers_message_in_the_outbox_hides_no_other(data):
    unknown_message_in_outbox(data=data)
    event = publish_cancellation()
    [found] = pending_messages([event.order_id])
    assert found == PendingMessage(event.order_id, event.type, "", "outbox")


def test_a_strangers_message_about_an_order_is_found_as_well():
    order_id = uuid7()
    unknown_message_in_outbox(data="\0", subject=str(order_id))
    assert pending_messages([order_id]) == [
        PendingMessage(order_id, "orders.OrderPraised.v1", "payments", "outbox")
    ]
