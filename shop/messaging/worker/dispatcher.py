"""Dispatcher: gives ready events to the worker's pool as Celery tasks, and acknowledges their messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from shop.messaging.bus.port import BusMessage, Intake
from shop.messaging.errors import WorkerLost
from shop.messaging.failpoints import Point, reach
from shop.messaging.models import DeadLetter
from shop.messaging.worker.batch import Batch, TaskMessage
from shop.messaging.worker.incoming import DEAD_LETTER_TASK, IncomingEvent
from shop.messaging.worker.loop_waker import LoopWaker
from shop.messaging.worker.ready_queue import ReadyQueue

#: Delay in seconds before events of a rejected batch are tried again.
RETRY_DELAY = 2.0

#: Number of lost worker processes after which an event becomes a dead letter.
MAX_CRASHES = 3


class Dispatcher:
    """Starts a batch for each free process of the pool.

    With an event loop (Celery's broker is RabbitMQ) everything runs in the loop's thread. Without one,
    receiving messages, handling results and starting batches have a thread each, because each may block.
    """

    def __init__(self, celery_consumer: Any, intake: Intake) -> None:
        self._celery = celery_consumer
        self._intake, self._acknowledger = intake, intake.acknowledger
        self._free_slots = celery_consumer.controller.concurrency
        #: Batches that may wait in the pool's queue, so that a process does not wait for the next batch.
        #: Without an event loop none may: adding a job to a full pool blocks.
        self._spare_slots = 1 if celery_consumer.hub else 0
        #: A timer is set for the next event that will be due.
        self._is_timer_set = False
        self._ready = ReadyQueue(celery_consumer.controller.concurrency)
        #: Events of rejected batches, until their retry.
        self._delayed: set[IncomingEvent] = set()
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._waker = LoopWaker(celery_consumer.hub, self._start_batches) if celery_consumer.hub else None
        if not celery_consumer.hub:
            threading.Thread(target=self._run, name="bridge", daemon=True).start()
        self._schedule_extension()

    def note(self, message: BusMessage) -> None:
        """Register a delivery as unacknowledged. Its events follow by add()."""
        with self._changed:
            self._acknowledger.note(message)

    def add(self, incoming: IncomingEvent) -> None:
        """Add an event to the ready queue; requeue its message if the dispatcher is closed."""
        with self._changed:
            if self._closed:
                self._requeue(incoming)
                return
            self._ready.add(incoming)
            self._wake()

    def close(self) -> None:
        """Requeue the messages of all events that have not started.

        Running batches are still acknowledged.
        """
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._acknowledger.extend_visibility()  # for the last time, for running batches
            if self._waker:
                self._waker.close()
            waiting = [*self._delayed, *self._ready.clear()]
            self._delayed.clear()
            self._changed.notify()
        for incoming in waiting:
            self._requeue(incoming)

    def _requeue(self, incoming: IncomingEvent) -> None:
        """Have the broker redeliver the event's message, once per message.

        After a lost connection the broker does so by itself. When a bundle is redelivered, the inbox skips
        the events that were consumed.
        """
        if not incoming.message.is_requeued:
            incoming.message.is_requeued = True
            self._acknowledger.reject(incoming.message.raw, requeue=True)

    def _schedule_extension(self) -> None:
        if seconds := self._acknowledger.extend_every:
            self._celery.timer.call_after(seconds, self._extend_visibility)

    def _extend_visibility(self) -> None:
        """Extend the visibility timeout of all unacknowledged messages, where the broker has one."""
        with self._changed:
            if not self._closed:
                self._schedule_extension()
                self._acknowledger.extend_visibility()

    def _wake(self) -> None:
        if self._waker:
            self._waker.wake()
        else:
            self._changed.notify()

    def _start_batches(self) -> None:
        """Start batches, in the event loop.

        While there is more to receive, they wait for it: messages that are already here share a batch.
        """
        if self._free_slots > 0 and self._intake.has_more():
            self._wake()
            return
        while batch := self._next_batch():
            self._start(batch)
        delay = self._seconds_until_due()
        if delay is not None and not self._is_timer_set:
            self._is_timer_set = True
            self._celery.timer.call_after(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._is_timer_set = False
        if not self._closed:
            self._start_batches()

    def _run(self) -> None:
        """Start batches in a thread, in workers without an event loop."""
        while not self._closed:
            with self._changed:
                batch = self._next_batch()
                if not batch:
                    self._changed.wait(self._seconds_until_due())
                    continue
            self._start(batch)

    def _next_batch(self) -> Batch | None:
        if self._closed or self._free_slots + self._spare_slots <= 0:
            return None
        batch = self._ready.take(full_only=self._free_slots <= 0)
        if batch:
            self._free_slots -= 1
        return batch

    def _seconds_until_due(self) -> float | None:
        """Seconds until the next event is due; None without a free slot or without such an event."""
        if self._closed or self._free_slots <= 0:
            return None
        return self._ready.seconds_until_due()

    def _start(self, batch: Batch) -> None:
        requests: list[Any] = []
        self._celery.strategies[batch.task](
            TaskMessage(batch),
            None,
            lambda *args: self._finish(batch, self._acknowledge),
            lambda *args, **kwargs: self._finish(batch, self._retry_later),
            [*self._celery.on_task_message, requests.append],
        )
        # A closing pool, which closes before this dispatcher, drops jobs without an error. With an event loop
        # both happen in its thread, and a request without a result may still be waiting.
        is_threaded = not self._celery.hub and not self._celery.pool.is_green
        if is_threaded and requests and requests[0]._apply_result is None:
            batch.was_rejected = True
            requests[0].reject(requeue=True)

    def _finish(self, batch: Batch, handle_outcome: Callable[[Batch], None]) -> None:
        """Free the batch's slot and handle its outcome, with an event loop in the connection's thread."""
        if self._celery.hub and threading.current_thread() is not threading.main_thread():
            self._celery.hub.call_soon(self._finish, batch, handle_outcome)
            return
        with self._changed:
            self._free_slots += 1
            self._ready.finish(batch)
            handle_outcome(batch)
            self._wake()

    def _acknowledge(self, batch: Batch) -> None:
        """Acknowledge the messages whose events are all finished.

        Messages with a dead letter move to the dead-letter queue.
        """
        if batch.task == DEAD_LETTER_TASK:
            for incoming in batch.events:
                incoming.message.is_dead = True
        finished = [incoming for incoming in batch.events if incoming.message.finish_event()]
        if consumed := [incoming.message.raw for incoming in finished if not incoming.message.is_dead]:
            reach(Point.BEFORE_ACKNOWLEDGE)
            self._acknowledger.acknowledge(consumed)
            reach(Point.AFTER_ACKNOWLEDGE)
        for incoming in finished:
            if incoming.message.is_dead:
                reach(Point.BEFORE_DEAD_QUEUE)
                self._acknowledger.dead_letter(incoming.app, incoming.message.raw)
                reach(Point.AFTER_DEAD_QUEUE)

    def _retry_later(self, batch: Batch) -> None:
        """Schedule a retry of the batch's events. After a lost worker process each of them runs alone."""
        if self._closed:
            for incoming in batch.events:
                self._requeue(incoming)
            return
        for incoming in batch.events:
            if not batch.was_rejected and not incoming.problem:
                self._count_crash(incoming, batch)
            self._delayed.add(incoming)
            self._celery.timer.call_after(RETRY_DELAY, self._retry, (incoming,))

    def _retry(self, incoming: IncomingEvent) -> None:
        with self._changed:
            if incoming in self._delayed:  # otherwise it was requeued by close()
                self._delayed.remove(incoming)
                self.add(incoming)

    def _count_crash(self, incoming: IncomingEvent, batch: Batch) -> None:
        """Isolate the event; if it ran alone, count the crash, and give it up after MAX_CRASHES."""
        incoming.alone = True
        if len(batch.events) == 1:
            incoming.crashes += 1
        if incoming.crashes >= MAX_CRASHES and incoming.consumer:
            incoming.problem = WorkerLost(
                f"{incoming.consumer.name} lost its worker process {incoming.crashes} times over it"
            )
            incoming.cause = DeadLetter.Cause.CRASHED
            incoming.consumer = None
