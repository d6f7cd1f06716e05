"""What waits in the outbox is found, whatever else waits there."""

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


def told_by_a_stranger(**facts: object) -> None:
    """A worker puts aside what a newer one may know, and the relay is about to bring it back."""
    envelope = {"specversion": "1.0", "id": str(uuid7()), "source": "/x", "type": "orders.OrderPraised.v1"}
    body = json.dumps(envelope | facts)
    failures.retry_unknown_later(app="payments", body=body, error="payments does not consume it", attempts=0)
    ScheduledMessage.objects.update(due_at=datetime.now(UTC))
    with relay.connect() as session:
        due.promote_due(session)
    assert OutboxEntry.objects.get().body == body


def publish_one() -> OrderCancelled:
    with transaction.atomic():
        return publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))


@pytest.mark.parametrize(
    "data", ["\0", "\ud800", {"subject": "praise"}], ids=["NUL", "half a pair", "another subject"]
)
def test_a_strangers_message_in_the_outbox_hides_no_other(data):
    told_by_a_stranger(data=data)
    event = publish_one()
    [found] = pending_messages([event.order_id])
    assert found == PendingMessage(event.order_id, event.type, "", "outbox")


def test_a_strangers_message_about_an_order_is_found_as_well():
    order_id = uuid7()
    told_by_a_stranger(data="\0", subject=str(order_id))
    assert pending_messages([order_id]) == [
        PendingMessage(order_id, "orders.OrderPraised.v1", "payments", "outbox")
    ]
