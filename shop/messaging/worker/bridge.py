"""The bridge: turns the messages of an app's events queue into runs of the app's Celery tasks.

A bootstep of the worker. Each message is matched by its type to a consumer and handed, in
micro-batches, to that consumer's task through the task's own strategy, with its acknowledgement: so
prefetch, late acknowledgement, time limits and events work as Celery's users know them. A batch is
whatever is ready when the pool has a place for it; ``turns`` says whose turn it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from celery import bootsteps
from django.conf import settings
from kombu import Consumer as KombuConsumer
from kombu import Message
from kombu.common import ignore_errors

from shop.messaging.bus import amqp, topology
from shop.messaging.consuming import Consumer, consumer_of, consumers, consuming_apps
from shop.messaging.consuming.envelope import ATTEMPTS, DEFERRALS, PROBE
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, check_envelope, parse_batch
from shop.messaging.errors import InvalidMessage, UnknownEventType
from shop.messaging.worker.dispatcher import Dispatcher
from shop.messaging.worker.incoming import IncomingEvent, IncomingMessage
from shop.postgres import json_text

#: Messages in hand, in multiples of what can run at once, so that the pool never waits for the network.
PREFETCH_FACTOR = 2
#: Messages in hand at the most.
MOST_MESSAGES = 100
#: Events in hand at the most where a provider is asked about them: all have to be consumed before RabbitMQ
#: loses its patience with who does not acknowledge, half an hour by default.
MOST_CALLS = 1000
#: From this delivery on a message runs alone: whoever had it before may have died of it. The first
#: redelivery says little, for every restart of a worker gives back what it had not begun.
SUSPECT_DELIVERIES = 3


class Bridge(bootsteps.ConsumerStep):
    """Consumes the events queues of the apps whose queues this worker serves."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, c: Any, **kwargs: Any) -> None:
        super().__init__(c, **kwargs)
        self._c = c
        self._dispatcher: Dispatcher | None = None
        self.consumers: list[KombuConsumer] = []

    def include_if(self, c: Any) -> bool:
        return bool(self._apps())

    def _apps(self) -> list[str]:
        served = self._c.app.amqp.queues.consume_from
        return [app for app in consuming_apps() if app in served]

    def get_consumers(self, channel: Any) -> list[KombuConsumer]:
        """One kombu consumer per events queue, each with a prefetch of its own."""
        topology.declare_topology(self._c.connection, self._apps())
        self._dispatcher = Dispatcher(self._c)
        return [self._consumer(app, self._dispatcher) for app in self._apps()]

    def _consumer(self, app: str, dispatcher: Dispatcher) -> KombuConsumer:
        # A channel each: RabbitMQ's quorum queues know no prefetch for a whole channel.
        channel = self._c.connection.channel()
        queue = topology.queue_of(app, amqp=amqp.is_amqp(self._c.connection))
        consumer = KombuConsumer(channel, queues=[queue], accept=[], auto_declare=False)
        consumer.on_message = partial(_take, app, dispatcher)
        consumer.on_decode_error = partial(_take_broken, app, dispatcher)
        consumer.qos(prefetch_count=self._prefetch(app))
        return consumer

    def _prefetch(self, app: str) -> int:
        ours = [consumer for consumer in consumers() if consumer.app == app]
        largest = max(consumer.batch for consumer in ours)
        wanted = int(PREFETCH_FACTOR * max(largest, self._c.controller.concurrency))
        most = min(wanted, MOST_MESSAGES)
        if any(consumer.calls_outside for consumer in ours):
            return min(most, MOST_CALLS // settings.SHOP_EVENTS_PER_MESSAGE)
        return most

    def stop(self, c: Any) -> None:
        """Take no more; what runs goes on, and is acknowledged over the channels that stay open."""
        if self._dispatcher:
            self._dispatcher.close()
        for consumer in self.consumers:
            ignore_errors(c.connection, consumer.cancel)

    def shutdown(self, c: Any) -> None:
        """Let go of the channels."""
        for consumer in self.consumers:
            channel: Any = consumer.channel
            ignore_errors(c.connection, channel.close)


def _take(app: str, dispatcher: Dispatcher, message: Message) -> None:
    dispatcher.note(message)
    for incoming in identify(app, message):
        dispatcher.add(incoming)


def _take_broken(app: str, dispatcher: Dispatcher, message: Message, error: Exception) -> None:
    """What kombu cannot open: it says that it is compressed in a way that nobody knows, for instance."""
    dispatcher.note(message)
    problem = InvalidMessage(f"the body cannot be opened: {error!r}")
    dispatcher.add(_unreadable(app, message, problem))


def identify(app: str, message: Message) -> list[IncomingEvent]:
    """Find out what events a message brings, and who consumes each; what cannot be consumed says why."""
    headers = {name: n for name in (ATTEMPTS, DEFERRALS, PROBE) if (n := _number(message, name))}
    try:
        events = _parse(message)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested without end
        return [_unreadable(app, message, InvalidMessage(f"the body is no JSON: {error}"), headers)]
    whole, suspect = IncomingMessage(message, len(events)), _deliveries(message) >= SUSPECT_DELIVERIES
    identified = []
    for body, text in events:
        consumer, problem = _consumer_of(app, body)
        identified.append(
            IncomingEvent(whole, app, text, consumer, headers, problem, suspect, _subject(body))
        )
    return identified


def _parse(message: Message) -> list[tuple[Any, str]]:
    body: Any = message.body
    text = body if isinstance(body, str) else bytes(body).decode()
    if message.content_type == BATCH_CONTENT_TYPE:
        return parse_batch(text)
    return [(json_text.loads(text), text)]


def _consumer_of(app: str, body: Any) -> tuple[Consumer | None, Exception | None]:
    try:
        check_envelope(body)
    except InvalidMessage as error:
        return None, error
    consumer = consumer_of(app, body["type"])
    return consumer, None if consumer else _unknown(body, f"{app} does not consume {body['type']!r}")


def _subject(body: Any) -> str:
    subject = body.get("subject") if isinstance(body, dict) else None
    return subject if isinstance(subject, str) else ""


def _unreadable(
    app: str, message: Message, problem: Exception, headers: dict[str, int] | None = None
) -> IncomingEvent:
    body: Any = message.body
    text = body if isinstance(body, str) else bytes(body).decode(errors="backslashreplace")
    return IncomingEvent(IncomingMessage(message, 1), app, text, None, headers or {}, problem)


def _unknown(body: dict[str, Any], says: str) -> Exception:
    """Unknown for now, if it has the ids of one of our events: a newer worker may know its type."""
    try:
        UUID(body["id"])
        UUID(body.get("subject") or body["id"])
    except (ValueError, TypeError, AttributeError):
        return InvalidMessage(says)
    return UnknownEventType(says)


def _deliveries(message: Message) -> int:
    """How often the message has been delivered, this time included, as far as the broker tells."""
    if pgmq := message.delivery_info.get("pgmq_message"):
        return int(pgmq["read_ct"])
    return _number(message, "x-delivery-count") + 1


def _number(message: Message, header: str) -> int:
    """A number from a header that anybody may have written; 0 if it is none, and none too large to count."""
    value = (message.headers or {}).get(header)
    return max(0, min(value, 1000)) if isinstance(value, int) else 0
