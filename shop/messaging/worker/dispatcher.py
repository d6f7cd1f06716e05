"""The dispatcher: gives the messages that are ready to the worker's pool, as runs of Celery tasks."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from typing import Any

from kombu import Message

from shop.messaging.bus import amqp, topology
from shop.messaging.bus.acknowledger import acknowledger_for
from shop.messaging.errors import WorkerLost
from shop.messaging.failpoints import Point, reach
from shop.messaging.models import DeadLetter
from shop.messaging.worker.batch import Batch, TaskMessage
from shop.messaging.worker.doorbell import Doorbell
from shop.messaging.worker.incoming import DEAD_LETTER_TASK, IncomingEvent
from shop.messaging.worker.ready_queue import ReadyQueue

#: Seconds before messages that came back unconsumed are tried again.
HOLD = 2.0

#: After killing this many workers a message is a dead letter.
MAX_CRASHES = 3


class Dispatcher:
    """Keeps what is ready and gives it to the pool, one batch for each place that is free.

    With an event loop (AMQP) all of it happens in the loop's thread. Without one, messages, results
    and starts have a thread each, for each of them may block.
    """

    def __init__(self, c: Any) -> None:
        self._c = c
        self._places = c.controller.concurrency
        #: With a loop a full batch may wait in the pool, so that no process waits for it.
        self._spare = 1 if c.hub else 0
        self._alarm = False
        self._ready = ReadyQueue(c.controller.concurrency)
        #: What came back unconsumed and is tried again in a while.
        self._held: set[IncomingEvent] = set()
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._acknowledger = acknowledger_for(c.connection, c.connection_errors)
        self._doorbell = Doorbell(c.hub, self._start_when_read) if c.hub else None
        self._socket = select.poll()
        if sock := c.hub and getattr(c.connection.connection, "sock", None):
            self._socket.register(sock, select.POLLIN)
        if not c.hub:
            threading.Thread(target=self._start_when_ready, name="bridge", daemon=True).start()
        self._keep_later()

    def note(self, message: Message) -> None:
        """Note that a message has been delivered; what it is shows add()."""
        with self._changed:
            self._acknowledger.note(message)

    def add(self, incoming: IncomingEvent) -> None:
        """Take an event in; it runs as soon as there is a place."""
        with self._changed:
            if self._closed:
                self._give_back(incoming)
                return
            self._ready.add(incoming)
            self._wake()

    def close(self) -> None:
        """Give back what has not been started."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._acknowledger.keep()  # once more, for what runs
            if self._doorbell:
                self._doorbell.remove()
            waiting = [*self._held, *self._ready.clear()]
            self._held.clear()
            self._changed.notify()
        for incoming in waiting:
            self._give_back(incoming)

    def _give_back(self, incoming: IncomingEvent) -> None:
        """Have the broker deliver its message again; one that has lost us does so by itself.

        Of a bundle that comes again the inbox skips what is consumed meanwhile.
        """
        if not incoming.message.is_given_back:
            incoming.message.is_given_back = True
            self._acknowledger.reject(incoming.message.raw, requeue=True)

    def _keep_later(self) -> None:
        if seconds := self._acknowledger.keep_every:
            self._c.timer.call_after(seconds, self._keep)

    def _keep(self) -> None:
        """Keep what is in hand, where the broker would deliver it again, however long it waits and runs."""
        with self._changed:
            if not self._closed:
                self._keep_later()
                self._acknowledger.keep()

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
        pause = self._until_due()
        if pause is not None and not self._alarm:
            self._alarm = True
            self._c.timer.call_after(pause, self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = False
        if not self._closed:
            self._start_when_read()

    def _start_when_ready(self) -> None:
        while not self._closed:
            with self._changed:
                batch = self._next_batch()
                if not batch:
                    self._changed.wait(self._until_due())
                    continue
            self._start(batch)

    def _next_batch(self) -> Batch | None:
        if self._closed or self._places + self._spare <= 0:
            return None
        batch = self._ready.take(full=self._places <= 0)
        if batch:
            self._places -= 1
        return batch

    def _until_due(self) -> float | None:
        """Seconds until what waits, though there is a place for it, is due; None if nothing does."""
        if self._closed or self._places <= 0:
            return None
        return self._ready.until_due()

    def _start(self, batch: Batch) -> None:
        requests: list[Any] = []
        self._c.strategies[batch.task](
            TaskMessage(batch),
            None,
            lambda *args: self._settle(self._on_ack, batch),
            lambda *args, **kwargs: self._settle(self._on_reject, batch),
            [*self._c.on_task_message, requests.append],
        )
        # A pool that closes, which it does before close() comes, takes nothing, and does not say so. With an
        # event loop both happen in its thread, and a request may still wait for its turn.
        threaded = not self._c.hub and not self._c.pool.is_green
        if threaded and requests and requests[0]._apply_result is None:
            batch.handed_back = True
            requests[0].reject(requeue=True)

    def _settle(self, how: Callable[[Batch], None], batch: Batch) -> None:
        """Acknowledge or reject; with an event loop in the thread that owns the connection."""
        if self._c.hub and threading.current_thread() is not threading.main_thread():
            self._c.hub.call_soon(self._settle, how, batch)
            return
        with self._changed:
            how(batch)
            self._wake()

    def _on_ack(self, batch: Batch) -> None:
        self._free(batch)
        if batch.task == DEAD_LETTER_TASK:
            for incoming in batch.events:
                incoming.message.is_dead = True
        done = [incoming for incoming in batch.events if incoming.message.settle()]
        if consumed := [incoming.message.raw for incoming in done if not incoming.message.is_dead]:
            reach(Point.BEFORE_ACKNOWLEDGE)
            self._acknowledger.acknowledge(consumed)
            reach(Point.AFTER_ACKNOWLEDGE)
        for incoming in done:
            if incoming.message.is_dead:
                reach(Point.BEFORE_DEAD_QUEUE)
                self._to_dead_queue(incoming)
                reach(Point.AFTER_DEAD_QUEUE)

    def _free(self, batch: Batch) -> None:
        self._places += 1
        self._ready.finish(batch)

    def _to_dead_queue(self, incoming: IncomingEvent) -> None:
        """Reject a recorded message to the dead-letter queue; where the broker has none, copy it there."""
        connection, message = self._c.connection, incoming.message.raw
        if amqp.is_amqp(connection):
            self._acknowledger.reject(message, requeue=False)
            return
        with connection.channel() as channel:
            topology.copy_to_dead_queue(channel, incoming.app, message)
        self._acknowledger.acknowledge([message])

    def _on_reject(self, batch: Batch) -> None:
        """Keep the events and try them again in a while; those that crash workers run alone."""
        self._free(batch)
        if self._closed:
            for incoming in batch.events:
                self._give_back(incoming)
            return
        for incoming in batch.events:
            if not batch.handed_back and not incoming.problem:
                self._blame(incoming, of=len(batch.events))
            self._held.add(incoming)
            self._c.timer.call_after(HOLD, self._try_again, (incoming,))

    def _try_again(self, incoming: IncomingEvent) -> None:
        with self._changed:
            if incoming in self._held:  # else it was given back meanwhile
                self._held.remove(incoming)
                self.add(incoming)

    def _blame(self, incoming: IncomingEvent, *, of: int) -> None:
        incoming.alone = True
        if of == 1:
            incoming.crashes += 1
        if incoming.crashes >= MAX_CRASHES and incoming.consumer:
            incoming.problem = WorkerLost(
                f"{incoming.consumer.name} lost its worker process {incoming.crashes} times over it"
            )
            incoming.cause = DeadLetter.Cause.CRASHED
            incoming.consumer = None
