"""Doubles of kombu's messages and of Celery's consumer, for tests of the dispatcher."""

import json
import select
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from shop.ids import uuid7
from shop.messaging.bus.acknowledger import KombuAcknowledger
from shop.messaging.bus.port import Receive
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch
from shop.messaging.worker import bridge
from shop.messaging.worker.dispatcher import Dispatcher

PAID, SHIPPED = "payments.PaymentProcessed.v1", "shipping.OrderShipped.v1"


def event(type_: str = PAID, subject: Any = None) -> dict[str, Any]:
    """An event, by default about an order that no other event is about."""
    id_ = str(uuid7())
    return {"specversion": "1.0", "id": id_, "source": "/shop", "type": type_, "subject": subject or id_}


class Channel:
    """Records acknowledged and rejected deliveries."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, int]] = []


class Message:
    """Double of kombu's message."""

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
        self.channel.settled.append(("requeue" if requeue else "reject", self.delivery_tag))


class Acknowledger(KombuAcknowledger):
    """Acknowledger for a broker that dead-letters what is rejected."""

    def dead_letter(self, app: str, message: Any) -> None:
        self.reject(message, requeue=False)


class Intake:
    """Double of an intake whose messages have all arrived."""

    acknowledger = Acknowledger(connection=None, errors=())

    def start(self, receive: Receive) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def has_more(self) -> bool:
        return False


class Hub:
    """Double of kombu's event loop. Each iteration is run by the test."""

    def __init__(self) -> None:
        self._readers: dict[int, Callable[[], None]] = {}

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        self._readers[fd] = callback

    def remove_reader(self, fd: int) -> None:
        del self._readers[fd]

    def run_once(self) -> None:
        """Call the readers of all descriptors that are readable."""
        readable, _, _ = select.select(list(self._readers), [], [], 0)
        for fd in readable:
            self._readers[fd]()


class Celery:
    """Double of Celery's consumer. It records started batches; their outcome is decided by the test."""

    def __init__(self, concurrency: int) -> None:
        self.controller = SimpleNamespace(concurrency=concurrency)
        self.hub = Hub()
        self.on_task_message: set[Any] = set()
        self.pool = SimpleNamespace(is_green=False)
        self.timer = SimpleNamespace(call_after=lambda *timer: self.timers.append(timer))
        self.timers: list[tuple[Any, ...]] = []
        self.strategies = self
        self.started: list[tuple[str, int, Callable[..., None], Callable[..., None]]] = []

    def __getitem__(self, task: str) -> Callable[..., None]:
        def start(message: Any, _: None, ack: Any, reject: Any, callbacks: Any) -> None:
            self.started.append((task, len(message.batch.events), ack, reject))

        return start

    def fire_timers(self) -> None:
        """Call the functions of all timers, as if their time had come."""
        fired, self.timers = self.timers, []
        for _, callback, *arguments in fired:
            callback(*(arguments[0] if arguments else ()))

    def deliver(self, dispatcher: Dispatcher, *messages: Message, app: str = "payments") -> None:
        """Deliver messages to an app, and run the event loop once."""
        for message in messages:
            dispatcher.note(message)
            for incoming in bridge.identify(app, message):
                dispatcher.add(incoming)
        self.hub.run_once()
