"""Port of the event bus: publishing for the relay, intake for the workers.

The bus carries events alone. Celery's own tasks stay with Celery's broker, which is RabbitMQ or the embedded
one and is also the event bus unless SHOP_EVENT_BUS names another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from celery import Celery
from django.conf import settings
from django.utils.module_loading import import_string

from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.bus.transport_settings import scheme_of


@dataclass(frozen=True)
class BusKind:
    """Kind of event bus beside Celery's broker. Nothing of it is imported unless it is configured."""

    #: Dotted path of its class.
    bus: str
    #: Module of its client.
    library: str
    #: File that lists its client.
    requirements: str


#: Kinds of event buses by the scheme of their URLs. All other schemes are those of Celery's broker.
BUSES: dict[str, BusKind] = {
    "kafka": BusKind("shop.messaging.bus.kafka.bus.KafkaBus", "confluent_kafka", "requirements-kafka.txt"),
    "sb": BusKind(
        "shop.messaging.bus.servicebus.bus.ServiceBus", "azure.servicebus", "requirements-servicebus.txt"
    ),
}


class BusMessage(Protocol):
    """Message from an event bus, as the worker sees it; kombu's messages are such."""

    #: A CloudEvent, or a batch of them, as ``content_type`` says. Whoever sent it is not trusted.
    body: Any
    content_type: Any
    #: Header ``x-delivery-count`` is the number of earlier deliveries, where the bus counts them.
    headers: Any
    #: Where it came from, for Celery's request.
    delivery_info: dict[str, Any]


#: Takes a message of an app, with the error that kept it from being decoded, if any.
Receive = Callable[[str, BusMessage, Exception | None], None]


class EventPublisher(Protocol):
    """Publisher of one relay."""

    def declare(self) -> None:
        """Declare the topology: create what is missing of topics, queues and bindings."""

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Publish a batch. Entries of the receipt are stored durably by the broker.

        Entries of one aggregate are kept in order. After any exception the publisher must be discarded.
        """


class Acknowledger(Protocol):
    """Settles the messages of an intake, called from any thread."""

    #: Seconds between calls of extend_visibility(); None if nothing has to be extended.
    extend_every: float | None

    def note(self, message: Any) -> None:
        """Register a delivery, before anything else is done with it."""

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Acknowledge messages of one app. Those of a lost connection are redelivered."""

    def reject(self, message: Any, *, requeue: bool) -> None:
        """Have the message redelivered, or drop it."""

    def dead_letter(self, app: str, message: Any) -> None:
        """Move a message, which is recorded as a dead letter, to the app's dead-letter queue."""

    def extend_visibility(self) -> None:
        """Keep all registered, unsettled messages from being redelivered."""


class Intake(Protocol):
    """Intake of one worker: delivers the events of its apps."""

    acknowledger: Acknowledger

    def start(self, receive: Receive) -> None:
        """Begin to deliver messages to ``receive``."""

    def stop(self) -> None:
        """Return when no further message will be delivered. Those delivered may still be settled."""

    def close(self) -> None:
        """Release the connections, after stop()."""

    def has_more(self) -> bool:
        """Return whether further messages are at hand, so that a batch had better wait for them."""


class EventBus(Protocol):
    """Event bus: publish/subscribe among apps, competing consumers within each."""

    #: It delivers in threads of its own, and not in that of Celery's consumer.
    is_threaded: bool

    def publisher(self) -> AbstractContextManager[EventPublisher]:
        """Connect, declare the topology, and return the publisher. Errors in the block discard it."""

    def intake(self, celery_consumer: Any, apps: Mapping[str, int]) -> Intake:
        """Return the intake of a worker that serves ``apps``: app -> prefetched messages."""

    def depths(self) -> dict[str, int]:
        """Return the number of messages in each queue that no worker has taken, as the broker tells it."""


def event_bus(app: Celery) -> EventBus:
    """Return the event bus that SHOP_EVENT_BUS names, by default Celery's broker."""
    kind = BUSES.get(scheme_of(settings.SHOP_EVENT_BUS))
    bus: type[Any] = import_string(kind.bus if kind else "shop.messaging.bus.kombu_bus.KombuBus")
    return bus(app)  # type: ignore[no-any-return]  # by name
