"""Unreadable messages, put into the queues as any program could."""

from collections.abc import Iterable
from uuid import uuid4

from kombu import Connection, Producer

from shop.messaging.bus.transport_settings import transport_settings
from tests.support.deployment import Deployment

POISON = {
    "bad JSON": b'{"specversion": "1.0", broken',
    "unknown type": b'{"specversion": "1.0", "id": "1", "source": "/x", "type": "payments.CardStolen.v1"}',
    "schema violation": b'{"specversion": "1.0", "id": "0199b1d0-0000-7000-8000-000000000001",'
    b' "source": "/x", "type": "orders.OrderCreated.v1",'
    b' "time": "2026-12-24T12:00:00Z", "data": {"order_id": "none"}}',
}


def send_raw(shop: Deployment, body: bytes, *, to: Iterable[str]) -> None:
    """Put a message into the queues of the apps."""
    options = transport_settings(shop.broker.url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
    with (
        Connection(shop.broker.url, transport_options=options) as connection,
        connection.channel() as channel,
    ):
        for app in to:
            Producer(channel).publish(
                body.decode(),
                exchange="",
                routing_key=f"{app}.events",
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                message_id=str(uuid4()),
            )
