"""Bridge between the events queues and Celery: runs the events of an app as tasks of its consumers.

It is a bootstep of the worker's consumer. An event is matched to its consumer by its type. Events of one
consumer that are ready together run as one task, through the task's own execution strategy: prefetch, late
acknowledgement, time limits and task events work as for any Celery task. The order of events is decided by
ready_queue.py.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from celery import bootsteps
from celery.signals import worker_process_init, worker_ready
from django.conf import settings
from kombu import Consumer as KombuConsumer
from kombu import Message
from kombu.common import ignore_errors

from shop.messaging.bus import amqp, topology
from shop.messaging.consuming import Consumer, consumer_of, consumers, consuming_apps
from shop.messaging.consuming.envelope import ATTEMPTS, DEFERRALS, PROBE
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, check_envelope, parse_batch
from shop.messaging.errors import InvalidMessage, UnknownEventType
from shop.messaging.worker import connections, gc_tuning, ready_file  # noqa: F401  # connect to worker signals
from shop.messaging.worker.dispatcher import Dispatcher
from shop.messaging.worker.incoming import IncomingEvent, IncomingMessage
from shop.postgres import json_text

worker_ready.connect(gc_tuning.freeze)
worker_process_init.connect(gc_tuning.freeze)

#: Prefetched messages, as a multiple of what can run at once, so that the pool never waits for the network.
PREFETCH_FACTOR = 2
#: Largest number of prefetched messages.
MAX_PREFETCH = 100
#: Largest number of prefetched events for consumers that call a provider. All of them have to be consumed
#: within RabbitMQ's delivery acknowledgement timeout, half an hour by default.
MAX_PREFETCHED_CALLS = 1000
#: From this delivery on, the events of a message run alone: they may have crashed the workers before. The
#: first redelivery is no sign of that, because every restart of a worker requeues its prefetched messages.
SUSPECT_DELIVERIES = 3


class Bridge(bootsteps.ConsumerStep):
    """Consumes the events queues of the apps whose queues this worker serves."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, celery_consumer: Any, **kwargs: Any) -> None:
        super().__init__(celery_consumer, **kwargs)
        self._celery = celery_consumer
        self._dispatcher: Dispatcher | None = None
        self.consumers: list[KombuConsumer] = []

    def include_if(self, celery_consumer: Any) -> bool:
        """Return whether the worker serves an app that has consumers."""
        return bool(self._apps())

    def _apps(self) -> list[str]:
        served = self._celery.app.amqp.queues.consume_from
        return [app for app in consuming_apps() if app in served]

    def get_consumers(self, channel: Any) -> list[KombuConsumer]:
        """Return one kombu consumer per events queue, each with its own prefetch."""
        topology.declare_topology(self._celery.connection, self._apps())
        self._dispatcher = Dispatcher(self._celery)
        return [self._consumer(app, self._dispatcher) for app in self._apps()]

    def _consumer(self, app: str, dispatcher: Dispatcher) -> KombuConsumer:
        # One channel per consumer: RabbitMQ's quorum queues do not support a prefetch per channel.
        channel = self._celery.connection.channel()
        queue = topology.queue_of(app, amqp=amqp.is_amqp(self._celery.connection))
        consumer = KombuConsumer(channel, queues=[queue], accept=[], auto_declare=False)
        consumer.on_message = partial(_on_message, app, dispatcher)
        consumer.on_decode_error = partial(_on_decode_error, app, dispatcher)
        consumer.qos(prefetch_count=prefetch_count(app, self._celery.controller.concurrency))
        return consumer

    def stop(self, celery_consumer: Any) -> None:
        """Stop consuming. Running batches go on; the channels stay open for their acknowledgement."""
        if self._dispatcher:
            self._dispatcher.close()
        for consumer in self.consumers:
            ignore_errors(celery_consumer.connection, consumer.cancel)

    def shutdown(self, celery_consumer: Any) -> None:
        """Close the channels."""
        for consumer in self.consumers:
            channel: Any = consumer.channel
            ignore_errors(celery_consumer.connection, channel.close)


def prefetch_count(app: str, concurrency: int) -> int:
    """Return the number of messages that a worker prefetches from an app's events queue."""
    app_consumers = [consumer for consumer in consumers() if consumer.app == app]
    largest_batch = max(consumer.batch for consumer in app_consumers)
    count = min(int(PREFETCH_FACTOR * max(largest_batch, concurrency)), MAX_PREFETCH)
    if any(consumer.calls_outside for consumer in app_consumers):
        return min(count, MAX_PREFETCHED_CALLS // settings.SHOP_EVENTS_PER_MESSAGE)
    return count


def _on_message(app: str, dispatcher: Dispatcher, message: Message) -> None:
    dispatcher.note(message)
    for incoming in identify(app, message):
        dispatcher.add(incoming)


def _on_decode_error(app: str, dispatcher: Dispatcher, message: Message, error: Exception) -> None:
    """Handle a message that kombu cannot decode, for instance because its compression is unknown."""
    dispatcher.note(message)
    problem = InvalidMessage(f"the body cannot be opened: {error!r}")
    dispatcher.add(_unreadable(app, message, problem))


def identify(app: str, message: Message) -> list[IncomingEvent]:
    """Return the events of a message, each with its consumer or the problem that prevents consumption."""
    headers = {name: value for name in (ATTEMPTS, DEFERRALS, PROBE) if (value := _number(message, name))}
    try:
        events = _parse(message)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested too deeply
        return [_unreadable(app, message, InvalidMessage(f"the body is no JSON: {error}"), headers)]
    incoming = IncomingMessage(message, len(events))
    is_suspect = _delivery_count(message) >= SUSPECT_DELIVERIES
    identified = []
    for body, text in events:
        consumer, problem = _consumer_of(app, body)
        identified.append(
            IncomingEvent(incoming, app, text, consumer, headers, problem, is_suspect, _subject(body))
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


def _unknown(body: dict[str, Any], description: str) -> Exception:
    """Return the problem of an event without a consumer.

    With valid ids it may be of a type that a newer worker knows.
    """
    try:
        UUID(body["id"])
        UUID(body.get("subject") or body["id"])
    except (ValueError, TypeError, AttributeError):
        return InvalidMessage(description)
    return UnknownEventType(description)


def _delivery_count(message: Message) -> int:
    """Return the number of deliveries of the message, including this one. Some brokers do not count them."""
    if pgmq := message.delivery_info.get("pgmq_message"):
        return int(pgmq["read_ct"])
    return _number(message, "x-delivery-count") + 1


def _number(message: Message, header: str) -> int:
    """Return a header's number, between 0 and 1000; 0 if it is not a number. The sender is not trusted."""
    value = (message.headers or {}).get(header)
    return max(0, min(value, 1000)) if isinstance(value, int) else 0
