"""Service Bus as the event bus of relay and workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusClient, ServiceBusReceiver
from celery import Celery
from django.conf import settings

from shop.messaging.bus.port import Receive
from shop.messaging.bus.servicebus import namespace
from shop.messaging.bus.servicebus.depths import depths
from shop.messaging.bus.servicebus.listener import RECEIVE_TIMEOUT, Listener, OpenReceiver
from shop.messaging.bus.servicebus.message import IncomingMessage
from shop.messaging.bus.servicebus.namespace import OPTIONS
from shop.messaging.bus.servicebus.publisher import ServiceBusPublisher
from shop.messaging.bus.servicebus.sessions import ACCEPT_TIMEOUT, SESSIONS_AT_ONCE, SessionListener
from shop.messaging.bus.servicebus.topology import TOPIC
from shop.messaging.consuming import events_queue

#: Reason that the dead-letter queue shows. The dead letter in the database says more.
DEAD_LETTER_REASON = "RecordedAsDeadLetter"


class ServiceBus:
    """Event bus in the namespace that SHOP_EVENT_BUS names."""

    is_threaded = True

    def __init__(self, app: Celery) -> None:
        """Take Celery's app, like every bus; this one does not need it."""

    @contextmanager
    def publisher(self) -> Iterator[ServiceBusPublisher]:
        """Return a publisher, which connects when it publishes."""
        # Once more at once: Service Bus closes a connection that was idle for minutes.
        with namespace.connect(retries=1) as client:
            yield ServiceBusPublisher(client)

    def intake(self, celery_consumer: Any, apps: Mapping[str, int]) -> ServiceBusIntake:
        """Return the intake of a worker."""
        return ServiceBusIntake(apps)

    def depths(self) -> dict[str, int]:
        """Return the active messages of each app's subscription and queue. It needs the right to manage."""
        return depths()


class ServiceBusIntake:
    """Listeners at each app's subscription and queue. It settles the messages that they deliver."""

    #: The listeners renew locks by themselves.
    extend_every: float | None = None

    def __init__(self, apps: Mapping[str, int]) -> None:
        self._listeners = [
            listener for app, prefetch in apps.items() for listener in _listeners_of(app, prefetch)
        ]

    @property
    def acknowledger(self) -> ServiceBusIntake:
        """The intake itself."""
        return self

    def start(self, receive: Receive) -> None:
        """Begin to receive."""
        for listener in self._listeners:
            listener.start(receive)

    def stop(self) -> None:
        """Deliver nothing more."""
        for listener in self._listeners:
            listener.stop()

    def close(self) -> None:
        """Settle what has an outcome, give back the rest, and disconnect."""
        for listener in self._listeners:
            listener.begin_to_close()
        for listener in self._listeners:
            listener.close()

    def has_more(self) -> bool:
        """Return False: it is not known what is on its way."""
        return False

    def note(self, message: IncomingMessage) -> None:
        """Do nothing: the listener has noted it."""

    def acknowledge(self, messages: Sequence[IncomingMessage]) -> None:
        """Complete messages."""
        for message in messages:
            message.settle_later(message, ServiceBusReceiver.complete_message)

    def reject(self, message: IncomingMessage, *, requeue: bool) -> None:
        """Abandon a message, which counts as a delivery, or complete it."""
        outcome = ServiceBusReceiver.abandon_message if requeue else ServiceBusReceiver.complete_message
        message.settle_later(message, outcome)

    def dead_letter(self, app: str, message: IncomingMessage) -> None:
        """Move a message to the dead-letter queue of its subscription or queue."""
        message.settle_later(message, _dead_letter)

    def extend_visibility(self) -> None:
        """Do nothing."""


def _dead_letter(receiver: ServiceBusReceiver, received: Any) -> None:
    receiver.dead_letter_message(received, reason=DEAD_LETTER_REASON)


def _listeners_of(app: str, prefetch: int) -> Iterator[Listener]:
    queue = events_queue(app)
    options = OPTIONS | {"max_wait_time": RECEIVE_TIMEOUT}
    yield Listener(
        app,
        lambda client, credit: client.get_queue_receiver(queue, prefetch_count=credit, **options),
        prefetch,
    )
    if not settings.SHOP_SERVICEBUS_SESSIONS:
        yield Listener(app, _subscription(app, options), prefetch)
        return
    options |= {"session_id": NEXT_AVAILABLE_SESSION, "max_wait_time": ACCEPT_TIMEOUT}
    for _ in range(SESSIONS_AT_ONCE):
        yield SessionListener(app, _subscription(app, options), max(prefetch // SESSIONS_AT_ONCE, 2))


def _subscription(app: str, options: dict[str, Any]) -> OpenReceiver:
    def open_receiver(client: ServiceBusClient, credit: int) -> ServiceBusReceiver:
        return client.get_subscription_receiver(TOPIC, app, prefetch_count=credit, **options)

    return open_receiver
