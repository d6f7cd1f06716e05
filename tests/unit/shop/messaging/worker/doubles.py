"""A worker in the hands of a test: messages for its dispatcher, and a Celery that runs what it is told to."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from shop.ids import uuid7
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch
from shop.messaging.worker import bridge
from shop.messaging.worker.dispatcher import Dispatcher

PAID, SHIPPED = "payments.PaymentProcessed.v1", "shipping.OrderShipped.v1"


def event(type_: str = PAID, subject: Any = None) -> dict[str, Any]:
    """An event about an order of its own, if it is not said about what."""
    id_ = str(uuid7())
    return {"specversion": "1.0", "id": id_, "source": "/shop", "type": type_, "subject": subject or id_}


class Channel:
    """Remembers what becomes of deliveries."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, int]] = []


class Message:
    """What kombu hands over."""

    delivery_info: dict[str, Any] = {}
    properties: dict[str, Any] = {}

    def __init__(self, channel: Channel, tag: int, *events: Any, **headers: Any) -> None:
        self.channel, self.delivery_tag, self.headers = channel, tag, headers
        self.content_type = BATCH_CONTENT_TYPE if len(events) > 1 else CONTENT_TYPE
        texts = [json.dumps(event) for event in events]
        self.body = encode_batch(texts) if len(texts) > 1 else texts[0]

    def ack(self) -> None:
        self.channel.settled.append(("ack", self.delivery_tag))

    def reject(self, requeue: bool) -> None:
        self.channel.settled.append(("requeue" if requeue else "bury", self.delivery_tag))


class Celery:
    """What the dispatcher needs of Celery's consumer; runs what it is given when a test says so."""

    def __init__(self) -> None:
        self.controller = SimpleNamespace(concurrency=10)
        self.hub = SimpleNamespace(add_reader=lambda *a: None, remove_reader=lambda *a: None)
        self.connection = SimpleNamespace(
            connection=None, transport=SimpleNamespace(driver_type="test"), channel=None
        )
        self.connection_errors = ()
        self.on_task_message: set[Any] = set()
        self.pool = SimpleNamespace(is_green=False)
        self.timer = SimpleNamespace(call_after=lambda *alarm: self.alarms.append(alarm))
        self.alarms: list[tuple[Any, ...]] = []
        self.strategies = self
        self.started: list[tuple[str, int, Callable[..., None], Callable[..., None]]] = []

    def __getitem__(self, task: str) -> Callable[..., None]:
        def start(message: Any, _: None, ack: Any, reject: Any, callbacks: Any) -> None:
            self.started.append((task, len(message.batch.events), ack, reject))

        return start


def deliver(dispatcher: Dispatcher, *messages: Message, app: str = "payments") -> None:
    for message in messages:
        dispatcher.note(message)
        for delivered in bridge.identify(app, message):
            dispatcher.add(delivered)
    dispatcher._start_when_read()
