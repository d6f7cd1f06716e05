"""Bridge between the events queues and Celery: runs the events of an app as tasks of its consumers.

It is a bootstep of the worker's consumer. An event is matched to its consumer by its type. Events of one
consumer that are ready together run as one task, through the task's own execution strategy: prefetch, late
acknowledgement, time limits and task events work as for any Celery task. The order of events is decided by
ready_queue.py.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import bootsteps
from celery.signals import worker_process_init, worker_ready
from django.conf import settings

from shop.messaging.bus.port import BusMessage, Intake, Receive, event_bus
from shop.messaging.consuming import Consumer, consumer_of, consumers, consuming_apps
from shop.messaging.consuming.envelope import ATTEMPTS, DEFERRALS, PROBE, UNSIGNED
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, parse_batch, split_batch
from shop.messaging.contracts.envelope import check_depth, check_envelope, claimed_type
from shop.messaging.errors import Forged, InvalidMessage, UnknownEventType
from shop.messaging.models import DeadLetter
from shop.messaging.restores import opening
from shop.messaging.signing.events import Recognised, is_signed, recognise, verifies
from shop.messaging.worker import connections, gc_tuning, presence, ready_file, subscribing  # noqa: F401  # signals
from shop.messaging.worker.dispatcher import Dispatcher
from shop.messaging.worker.handover import Handover
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
#: Types of a message's body, by transport.
_TEXT = (str, bytes, bytearray, memoryview)


class Bridge(bootsteps.StartStopStep):
    """Takes the events of the apps whose queues this worker serves from the event bus."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, celery_consumer: Any, **kwargs: Any) -> None:
        super().__init__(celery_consumer, **kwargs)
        self._celery = celery_consumer
        self._intake: Intake | None = None
        self._dispatcher: Dispatcher | None = None
        self._handover: Handover | None = None

    def include_if(self, celery_consumer: Any) -> bool:
        """Return whether the worker serves an app that has consumers."""
        return bool(self._apps())

    def _apps(self) -> list[str]:
        served = self._celery.app.amqp.queues.consume_from
        return [app for app in consuming_apps() if app in served]

    def start(self, celery_consumer: Any) -> None:
        """Begin to take messages, whenever Celery has connected to its own broker."""
        opening.check_at_start()
        self.shutdown(celery_consumer)  # what an earlier connection has left
        concurrency = celery_consumer.controller.concurrency
        bus = event_bus(celery_consumer.app)
        intake = bus.intake(celery_consumer, {app: prefetch_count(app, concurrency) for app in self._apps()})
        dispatcher = Dispatcher(celery_consumer, intake)
        self._intake, self._dispatcher = intake, dispatcher
        receive: Receive = partial(_receive, dispatcher)
        if bus.is_threaded and celery_consumer.hub:
            receive = self._handover = Handover(celery_consumer.hub, receive)
        intake.start(receive)

    def stop(self, celery_consumer: Any) -> None:
        """Take no further messages. Running batches go on, and are acknowledged."""
        if self._dispatcher:
            self._dispatcher.close()
        if self._intake:
            self._intake.stop()
        if self._handover:
            self._handover.close()
            self._handover = None

    def shutdown(self, celery_consumer: Any) -> None:
        """Release the connections to the event bus."""
        if self._intake:
            self._intake.close()
            self._intake = None


def prefetch_count(app: str, concurrency: int) -> int:
    """Return the number of messages that a worker prefetches from an app's events queue."""
    app_consumers = [consumer for consumer in consumers() if consumer.app == app]
    largest_batch = max(consumer.batch for consumer in app_consumers)
    count = min(int(PREFETCH_FACTOR * max(largest_batch, concurrency)), MAX_PREFETCH)
    if any(consumer.calls_outside for consumer in app_consumers):
        return min(count, MAX_PREFETCHED_CALLS // settings.SHOP_EVENTS_PER_MESSAGE)
    return count


def _receive(dispatcher: Dispatcher, app: str, message: BusMessage, error: Exception | None) -> None:
    """Add the events of a message. An error means that it cannot be decoded: it may be compressed."""
    dispatcher.note(message)
    if error:
        cannot_be_opened = InvalidMessage(f"the body cannot be opened: {type(error).__name__}")
        problem = error if isinstance(error, InvalidMessage) else cannot_be_opened
        dispatcher.add(_unreadable(app, message, problem))
        return
    for incoming in identify(app, message):
        dispatcher.add(incoming)


def identify(app: str, message: BusMessage) -> list[IncomingEvent]:
    """Return the events of a message, each with its consumer or the problem that prevents consumption."""
    headers = {name: value for name in (ATTEMPTS, DEFERRALS, PROBE) if (value := _number(message, name))}
    try:
        text = _text_of(message)
        texts = split_batch(text) if message.content_type == BATCH_CONTENT_TYPE else [text]
        _check_number(len(texts))
        recognised = list(map(recognise, texts))
        events = None if all(recognised) else _parse(message, text)
    except InvalidMessage as problem:
        return [_unreadable(app, message, problem, headers)]
    incoming = IncomingMessage(message, len(events or texts))
    is_suspect = _delivery_count(message) >= SUSPECT_DELIVERIES
    if events is None:
        return [
            _recognised(IncomingEvent(incoming, app, text, None, headers, alone=is_suspect), event)
            for event, text in zip(recognised, texts, strict=True)
            if event
        ]
    identified = []
    for body, text in events:
        event = IncomingEvent(incoming, app, text, None, headers, alone=is_suspect)
        _examine(event, body)
        identified.append(event)
    return identified


def _recognised(incoming: IncomingEvent, event: Recognised) -> IncomingEvent:
    """Find the consumer of an event that needs no further examination."""
    incoming.subject = event.subject
    try:
        incoming.consumer = _consumer_of(incoming.app, event.type)
    except UnknownEventType as problem:
        incoming.problem = problem
    return incoming


def _examine(incoming: IncomingEvent, body: Any) -> None:
    """Find the event's consumer, or the problem: a malformed envelope, a wrong signature, an unknown type."""
    try:
        check_envelope(body)
        check_depth(body, incoming.text)
        if not is_signed(body):
            incoming.headers = {**incoming.headers, UNSIGNED: 1}
        elif not verifies(body, incoming.text):
            raise Forged("its signature is wrong")
        incoming.subject = body.get("subject") or ""
        incoming.consumer = _consumer_of(incoming.app, body["type"])
    except InvalidMessage as problem:
        incoming.problem = InvalidMessage(f"{problem}{_unconsumed(incoming.app, body)}")
    except Forged as problem:
        incoming.problem, incoming.cause = problem, DeadLetter.Cause.FORGED
    except UnknownEventType as problem:
        incoming.problem = problem


def _consumer_of(app: str, type: str) -> Consumer:
    """Return the consumer of a type. Raises UnknownEventType if the app has none: a newer worker may."""
    if consumer := consumer_of(app, type):
        return consumer
    raise UnknownEventType(f"{app} does not consume {type!r}")


def _unconsumed(app: str, body: Any) -> str:
    """Return that the app does not consume the type of a malformed event, if it has a valid one."""
    type_ = claimed_type(body)
    return f"; {app} does not consume {type_!r}" if type_ and not consumer_of(app, type_) else ""


def _text_of(message: BusMessage) -> str:
    """Return the text of a message. Raises InvalidMessage if it has none, or is too large."""
    body: Any = message.body
    if not isinstance(body, _TEXT):
        raise InvalidMessage("the body is no text")
    if len(body) > settings.SHOP_MAX_MESSAGE_BYTES:
        raise InvalidMessage(f"the message has {len(body)} bytes: too many")
    try:
        return body if isinstance(body, str) else bytes(body).decode()
    except ValueError as error:
        raise InvalidMessage(f"the body is no JSON: {error}") from error


def _parse(message: BusMessage, text: str) -> list[tuple[Any, str]]:
    """Return the events of a message, parsed and as text. Raises InvalidMessage if it is no JSON."""
    try:
        if message.content_type == BATCH_CONTENT_TYPE:
            events = parse_batch(text)
        else:
            events = [(json_text.loads(text), text)]
    except (ValueError, RecursionError) as error:  # not JSON, or nested too deeply
        raise InvalidMessage(f"the body is no JSON: {error}") from error
    _check_number(len(events))
    return events


def _check_number(events: int) -> None:
    if events > settings.SHOP_MAX_EVENTS_PER_MESSAGE:
        raise InvalidMessage(f"the message has {events} events: too many")


def _unreadable(
    app: str, message: BusMessage, problem: Exception, headers: dict[str, int] | None = None
) -> IncomingEvent:
    """Return a message as one event that cannot be read; the end of one that is too large is left out."""
    body: Any = message.body
    kept = body[: settings.SHOP_MAX_MESSAGE_BYTES] if isinstance(body, _TEXT) else b""
    text = kept if isinstance(kept, str) else bytes(kept).decode(errors="backslashreplace")
    return IncomingEvent(IncomingMessage(message, 1), app, text, None, headers or {}, problem)


def _delivery_count(message: BusMessage) -> int:
    """Return the number of deliveries of the message, including this one. Some brokers do not count them."""
    return _number(message, "x-delivery-count") + 1


def _number(message: BusMessage, header: str) -> int:
    """Return a header's number, between 0 and 1000; 0 if it is not a number. The sender is not trusted."""
    value = message.headers.get(header) if isinstance(message.headers, dict) else None
    return max(0, min(value, 1000)) if isinstance(value, int) else 0
