"""The bridge: turns the messages of an app's events queue into runs of the app's Celery tasks.

A bootstep of the worker. Each message is matched by its type to a consumer and handed, in
micro-batches, to that consumer's task through the task's own strategy, with its acknowledgement: so
prefetch, late acknowledgement, time limits and events work as Celery's users know them. A batch is
whatever is ready when the pool has a place for it: nothing ever waits for more.
"""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from celery import bootsteps
from celery.exceptions import Reject
from celery.utils.log import get_logger
from celery.worker.request import Request
from kombu import Consumer as KombuConsumer
from kombu import Message
from kombu.common import ignore_errors
from kombu.utils.uuid import uuid

from shop.messaging import broker
from shop.messaging.cloudevents import check_envelope
from shop.messaging.consuming import Consumer, consumer_of, consuming_apps
from shop.messaging.errors import InvalidMessage, UnknownEventType
from shop.messaging.failures import ATTEMPTS, PARKINGS
from shop.messaging.models import DeadLetter

logger = get_logger(__name__)

#: The task that records what cannot be read, see tasks.py.
BURY_TASK = "messaging.bury_unreadable"
#: Messages in hand, in multiples of what can run at once, so that the pool never waits for the network.
PREFETCH_FACTOR = 2
#: Seconds before messages that came back unconsumed are tried again.
HOLD = 2.0
#: After killing this many workers a message is a dead letter.
MAX_CRASHES = 3


@dataclass(eq=False)
class Delivered:
    """A message in our hands, not yet acknowledged."""

    message: Message
    app: str
    #: Who consumes it; None if it cannot be read.
    consumer: Consumer | None
    headers: dict[str, int]
    #: Why it cannot be consumed.
    problem: Exception | None = None
    cause: str = DeadLetter.Cause.UNREADABLE
    crashes: int = 0
    #: Run it alone: it, or one that ran with it, has brought a worker down.
    alone: bool = False
    arrived: float = field(default_factory=time.monotonic)


class TaskMessage:
    """What Celery's strategy sees of a batch: one task message."""

    content_type, content_encoding = "application/json", "utf-8"
    #: Celery copies a message's arguments to where it shows them; a batch stays in the body.
    payload = ((), {}, None)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.body = batch.body()
        self.delivery_info = batch.deliveries[0].message.delivery_info
        self.properties: dict[str, Any] = {}
        self.headers = {
            "task": batch.task,
            "id": uuid(),
            "lang": "py",
            "retries": 0,
            "timelimit": (None, None),
            "argsrepr": f"<{len(batch.deliveries)} messages>",
            "kwargsrepr": "{}",
            "ignore_result": True,
        }


@dataclass(eq=False)
class Batch:
    """Messages that run, and are acknowledged, together."""

    task: str
    deliveries: list[Delivered]
    #: The consumer handed it back in good order; else its process died.
    handed_back: bool = False

    def body(self) -> str:
        """The arguments of the task; the messages are JSON already and are not read again."""
        first = self.deliveries[0]
        if first.problem:
            arguments = json.dumps([first.app, _printable(first.message), str(first.problem), first.cause])
            return f"[{arguments}, {{}}, null]"
        bodies = ",".join(_text(delivered.message) for delivered in self.deliveries)
        headers = json.dumps([delivered.headers for delivered in self.deliveries])
        return f"[[[{bodies}], {headers}], {{}}, null]"


class DeliveryRequest(Request):
    """Celery's request for a batch; it notices whether a batch came back or its process died."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Remember that the consumer rejected the batch on purpose."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self._message.batch.handed_back = isinstance(error, Reject)
        return super().on_failure(exc_info, send_failed_event, return_ok)


class Doorbell:
    """Makes kombu's event loop call us back in its next round, from whatever place it is rung.

    The loop's own call_soon() is not enough: what is given to it inside a callback has to wait for
    the next poll, which may take a second.
    """

    def __init__(self, hub: Any, answer: Callable[[], None]) -> None:
        self._hub, self._answer = hub, answer
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        hub.add_reader(self._reading, self._on_ring)
        self._rung = False

    def ring(self) -> None:
        """Ask for the call; ringing twice is ringing once."""
        if not self._rung:
            self._rung = True
            os.write(self._writing, b"!")

    def _on_ring(self) -> None:
        os.read(self._reading, 1)
        self._rung = False
        self._answer()

    def remove(self) -> None:
        """Take it off the loop."""
        self._rung = True  # nobody listens any more
        self._hub.remove_reader(self._reading)
        os.close(self._reading)
        os.close(self._writing)


class Dispatcher:
    """Keeps what is ready and gives it to the pool, one batch for each place that is free.

    With an event loop (AMQP) all of it happens in the loop's thread. Without one, messages, results
    and starts have a thread each, for each of them may block.
    """

    def __init__(self, c: Any) -> None:
        self._c = c
        #: With a loop one more than can run, so that no process waits for its next batch.
        self._places = c.controller.concurrency + (1 if c.hub else 0)
        self._ready: dict[str, deque[Delivered]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._doorbell = Doorbell(c.hub, self._start_when_read) if c.hub else None
        self._socket = select.poll()
        if sock := c.hub and getattr(c.connection.connection, "sock", None):
            self._socket.register(sock, select.POLLIN)
        if not c.hub:
            threading.Thread(target=self._start_when_ready, name="bridge", daemon=True).start()

    def add(self, delivered: Delivered) -> None:
        """Take a message in; it runs as soon as there is a place."""
        with self._changed:
            task = delivered.consumer.name if delivered.consumer else BURY_TASK
            self._ready.setdefault(task, deque()).append(delivered)
            self._wake()

    def close(self) -> None:
        """Give back what has not been started."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            if self._doorbell:
                self._doorbell.remove()
            waiting = [delivered for queue in self._ready.values() for delivered in queue]
            self._ready.clear()
            self._changed.notify()
        for delivered in waiting:
            delivered.message.reject_log_error(logger, self._c.connection_errors, requeue=True)

    def _wake(self) -> None:
        if self._doorbell:
            self._doorbell.ring()
        else:
            self._changed.notify()

    def _start_when_read(self) -> None:
        """Start batches once the socket has nothing more to read: the messages that are here go together."""
        if self._socket.poll(0) and self._places > 0:
            self._wake()
            return
        while batch := self._next_batch():
            self._start(batch)

    def _start_when_ready(self) -> None:
        while not self._closed:
            with self._changed:
                batch = self._next_batch()
                if not batch:
                    self._changed.wait()
                    continue
            self._start(batch)  # blocks while the pool is full

    def _next_batch(self) -> Batch | None:
        waiting = {task: queue for task, queue in self._ready.items() if queue}
        if self._closed or self._places <= 0 or not waiting:
            return None
        self._places -= 1
        task = min(waiting, key=lambda name: waiting[name][0].arrived)
        queue = waiting[task]
        batch = Batch(task, [queue.popleft()])
        first = batch.deliveries[0]
        limit = first.consumer.batch if first.consumer and not first.alone else 1
        while queue and len(batch.deliveries) < limit and not queue[0].alone:
            batch.deliveries.append(queue.popleft())
        return batch

    def _start(self, batch: Batch) -> None:
        self._c.strategies[batch.task](
            TaskMessage(batch),
            None,
            lambda *args: self._settle(self._on_ack, batch),
            lambda *args, **kwargs: self._settle(self._on_reject, batch),
            self._c.on_task_message,
        )

    def _settle(self, how: Callable[[Batch], None], batch: Batch) -> None:
        """Acknowledge or reject; with an event loop in the thread that owns the connection."""
        if self._c.hub and threading.current_thread() is not threading.main_thread():
            self._c.hub.call_soon(self._settle, how, batch)
            return
        with self._changed:
            how(batch)
            self._wake()

    def _on_ack(self, batch: Batch) -> None:
        self._places += 1
        for delivered in batch.deliveries:
            if delivered.problem:
                self._to_dead_queue(delivered)
            else:
                delivered.message.ack_log_error(logger, self._c.connection_errors)

    def _to_dead_queue(self, delivered: Delivered) -> None:
        """Reject a recorded message to the dead-letter queue; where the broker has none, copy it there."""
        connection, message = self._c.connection, delivered.message
        if broker.is_amqp(connection):
            message.reject_log_error(logger, self._c.connection_errors, requeue=False)
            return
        with connection.channel() as channel:
            broker.copy_to_dead_queue(channel, delivered.app, message)
        message.ack_log_error(logger, self._c.connection_errors)

    def _on_reject(self, batch: Batch) -> None:
        """Keep the messages and try them again in a while; those that crash workers run alone."""
        self._places += 1
        if self._closed:
            for delivered in batch.deliveries:
                delivered.message.reject_log_error(logger, self._c.connection_errors, requeue=True)
            return
        for delivered in batch.deliveries:
            if not batch.handed_back and not delivered.problem:
                self._blame(delivered, of=len(batch.deliveries))
            self._c.timer.call_after(HOLD, self.add, (delivered,))

    def _blame(self, delivered: Delivered, *, of: int) -> None:
        delivered.alone = True
        if of == 1:
            delivered.crashes += 1
        if delivered.crashes >= MAX_CRASHES and delivered.consumer:
            delivered.problem = RuntimeError(
                f"{delivered.consumer.name} lost its worker process {delivered.crashes} times over it"
            )
            delivered.cause = DeadLetter.Cause.CRASHED
            delivered.consumer = None


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
        broker.declare_topology(self._c.connection, self._apps())
        self._dispatcher = Dispatcher(self._c)
        return [self._consumer(app) for app in self._apps()]

    def _consumer(self, app: str) -> KombuConsumer:
        # A channel each: RabbitMQ's quorum queues know no prefetch for a whole channel.
        channel = self._c.connection.channel()
        queue = broker.queue_of(app, amqp=broker.is_amqp(self._c.connection))
        consumer = KombuConsumer(channel, queues=[queue], accept=[], auto_declare=False)
        consumer.on_message = lambda message: self._on_message(app, message)
        consumer.qos(prefetch_count=self._prefetch(app))
        return consumer

    def _prefetch(self, app: str) -> int:
        largest = max(consumer.batch for consumer in broker.consumers() if consumer.app == app)
        return int(PREFETCH_FACTOR * max(largest, self._c.controller.concurrency))

    def _on_message(self, app: str, message: Message) -> None:
        assert self._dispatcher
        self._dispatcher.add(identify(app, message))

    def stop(self, c: Any) -> None:
        """Take no more; what runs goes on, and is acknowledged over the channels that stay open."""
        if self._dispatcher:
            self._dispatcher.close()
        for consumer in self.consumers:
            ignore_errors(c.connection, consumer.cancel)

    def shutdown(self, c: Any) -> None:
        """Let go of the channels."""
        self._close(c, cancel_consumers=False)


def identify(app: str, message: Message) -> Delivered:
    """Find out who consumes a message; what cannot be consumed says why."""
    type_ = message.properties.get("type") or message.delivery_info.get("routing_key") or ""
    headers = {name: int(message.headers.get(name) or 0) for name in (ATTEMPTS, PARKINGS)}
    again = bool(message.delivery_info.get("redelivered"))
    try:
        body = json.loads(_text(message))
        check_envelope(body)
        consumer = consumer_of(app, body["type"])
        if not consumer:
            raise UnknownEventType(f"{app} does not consume {body['type']!r} (sent as {type_!r})")
        return Delivered(message, app, consumer, headers, alone=again)
    except ValueError as error:  # no JSON, or no UTF-8
        problem: Exception = InvalidMessage(f"the body is no JSON: {error}")
    except (InvalidMessage, UnknownEventType) as error:
        problem = error
    return Delivered(message, app, None, headers, problem)


def _text(message: Message) -> str:
    return message.body if isinstance(message.body, str) else bytes(message.body).decode()


def _printable(message: Message) -> str:
    body = message.body
    return body if isinstance(body, str) else bytes(body).decode(errors="backslashreplace")
