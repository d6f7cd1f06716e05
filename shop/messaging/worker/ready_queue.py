"""Ready queue: the events that a worker holds, in the order and the batches in which they run.

An event does not wait for a batch to fill: whatever is ready runs, up to the consumer's batch size. Two rules
change the order of arrival:

- Low-priority events (e-mails, read models, displayed states) yield to the others. Under load they get at
  most half of the pool's processes.
- Events of one aggregate run in the order of arrival within an app, however many processes the worker has:
  an event waits until the app has finished the earlier ones of its aggregate. Calls to a provider are an
  exception. They may take long, and a cancellation has to overtake them.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable

from shop.messaging.worker.batch import Batch
from shop.messaging.worker.incoming import IncomingEvent

#: Delay in seconds before a low-priority event may start while a process is free. An event reaches all apps
#: at once and they share the machine: consumers that carry on an order go first.
LOW_PRIORITY_DELAY = 0.05
#: Number of waiting events of an app from which there is no delay: the worker is under load. It is half of
#: MAX_PREFETCH, so that no worker idles with its whole prefetch in hand.
LOADED_FROM = 50
#: Seconds by which later events may overtake a low-priority event while processes are scarce. Orders wait for
#: e-mails and read models only if a load lasts longer.
MAX_OVERTAKING = 10.0
#: The same for consumers that declare low priority in an app that publishes, and call no provider. They store
#: the status of an order, which is quickly done and which its customer looks at.
MAX_STATUS_OVERTAKING = 1.0

_AggregateKey = tuple[str, str]


class ReadyQueue:
    """Events that are ready to run, ordered by priority and arrival."""

    def __init__(self, concurrency: int) -> None:
        #: Low-priority batches that may run at once while other batches run.
        self._max_low_priority = max(1, concurrency // 2)
        #: Waiting events by task, in the order of arrival.
        self._queues: dict[str, deque[IncomingEvent]] = defaultdict(deque)
        #: Waiting events that block later ones of their aggregate, in the order of arrival.
        self._waiting_by_key: dict[_AggregateKey, deque[IncomingEvent]] = defaultdict(deque)
        #: Number of waiting events by app.
        self._waiting_by_app: Counter[str] = Counter()
        #: Aggregates with running events that block later ones.
        self._running_keys: set[_AggregateKey] = set()
        #: Number of running batches, by whether they have low priority.
        self._running_batches: Counter[bool] = Counter()

    def add(self, incoming: IncomingEvent) -> None:
        """Add an event."""
        self._queues[incoming.task].append(incoming)
        self._waiting_by_app[incoming.app] += 1
        if (key := _aggregate_key(incoming)) and _blocks_later_events(incoming):
            self._waiting_by_key[key].append(incoming)

    def take(self, *, full_only: bool = False) -> Batch | None:
        """Remove and return the batch that runs next, or None if none may run now.

        Args:
            full_only: return only a batch to which later arrivals could make no difference.
        """
        first = self._next_event(time.monotonic())
        if not first or (full_only and not self._is_final(first)):
            return None
        batch = Batch(first.task, self._take_events(first))
        self._running_batches[first.is_low_priority] += 1
        return batch

    def finish(self, batch: Batch) -> None:
        """Unblock the aggregates of a batch that has run, successfully or not."""
        self._running_batches[batch.events[0].is_low_priority] -= 1
        self._running_keys.difference_update(_blocked_keys(batch.events))

    def seconds_until_due(self) -> float | None:
        """Seconds until the next event may run; None if all of them wait for a batch to finish."""
        now = time.monotonic()
        delays = [
            delay
            for queue in self._eligible_queues()
            if (delay := self._delay_of_queue(queue, now)) is not None
        ]
        return max(0.0, min(delays)) if delays else None

    def clear(self) -> list[IncomingEvent]:
        """Remove and return all waiting events."""
        waiting = [incoming for queue in self._queues.values() for incoming in queue]
        self._queues.clear()
        self._waiting_by_key.clear()
        self._waiting_by_app.clear()
        return waiting

    def _next_event(self, now: float) -> IncomingEvent | None:
        """Return the event with the earliest rank that is due and not blocked.

        Queues are searched in the order of their first events: a search through blocked events is skipped
        once no event in the queue can win.
        """
        best: IncomingEvent | None = None
        for queue in sorted(self._eligible_queues(), key=lambda queue: _rank(queue[0])):
            if best and _rank(best) <= _rank(queue[0]):
                break
            if self._delay_of(queue[0], now) > 0:
                continue
            head = self._first_unblocked(queue)
            if head and self._delay_of(head, now) <= 0 and not (best and _rank(best) <= _rank(head)):
                best = head
        return best

    def _eligible_queues(self) -> list[deque[IncomingEvent]]:
        """Return the queues with events, without low-priority ones while their share of processes is used."""
        is_share_used = (
            self._running_batches[True] >= self._max_low_priority and self._running_batches[False] > 0
        )
        return [
            queue
            for queue in self._queues.values()
            if queue and not (is_share_used and queue[0].is_low_priority)
        ]

    def _delay_of_queue(self, queue: deque[IncomingEvent], now: float) -> float | None:
        """Seconds until an event of the queue may run; None if all of them are blocked.

        While its first event is not due, the queue is not searched: the delay may be too short.
        """
        if (delay := self._delay_of(queue[0], now)) > 0:
            return delay
        head = self._first_unblocked(queue)
        return self._delay_of(head, now) if head else None

    def _first_unblocked(self, queue: deque[IncomingEvent]) -> IncomingEvent | None:
        """Return the first event that no earlier one of its aggregate blocks, in linear time."""
        return next(filter(self._is_unblocked, queue), None)

    def _is_final(self, head: IncomingEvent) -> bool:
        """Return whether later arrivals could neither join the event's batch nor have to overtake it."""
        is_full = len(self._queues[head.task]) >= _batch_size(head)
        return is_full and not (head.is_low_priority and self._running_batches[False])

    def _is_unblocked(self, incoming: IncomingEvent) -> bool:
        key = _aggregate_key(incoming)
        if not key or key not in self._waiting_by_key:
            return key not in self._running_keys
        first = self._waiting_by_key[key][0]
        return key not in self._running_keys and (first is incoming or first.arrived > incoming.arrived)

    def _delay_of(self, incoming: IncomingEvent, now: float) -> float:
        """Seconds until the event is due; zero or less if it is."""
        if not incoming.is_low_priority:
            return 0.0
        if self._waiting_by_app[incoming.app] >= min(LOADED_FROM, _batch_size(incoming)):
            return 0.0
        return incoming.arrived + LOW_PRIORITY_DELAY - now

    def _take_events(self, first: IncomingEvent) -> list[IncomingEvent]:
        """Remove and return the event and those that may run with it."""
        queue, taken, skipped = self._queues[first.task], list[IncomingEvent](), list[IncomingEvent]()
        while queue and len(taken) < _batch_size(first):
            incoming = queue.popleft()
            if (taken and incoming.alone) or not self._is_unblocked(incoming):
                skipped.append(incoming)
                continue
            taken.append(incoming)
            self._remove_waiting(incoming)
        queue.extendleft(reversed(skipped))
        self._running_keys.update(_blocked_keys(taken))
        return taken

    def _remove_waiting(self, incoming: IncomingEvent) -> None:
        """Remove the event from the counts of waiting events."""
        self._waiting_by_app[incoming.app] -= 1
        for key in _blocked_keys([incoming]):
            self._waiting_by_key[key].remove(incoming)
            if not self._waiting_by_key[key]:
                del self._waiting_by_key[key]


def _blocked_keys(events: Iterable[IncomingEvent]) -> set[_AggregateKey]:
    """Return the aggregates whose later events these events block."""
    return {
        key for incoming in events if _blocks_later_events(incoming) and (key := _aggregate_key(incoming))
    }


def _blocks_later_events(incoming: IncomingEvent) -> bool:
    """Return False for calls to providers, but for messages to customers, which come in order."""
    consumer = incoming.consumer
    if not (consumer and consumer.calls_outside):
        return True
    return incoming.is_low_priority and not consumer.low_priority


def _aggregate_key(incoming: IncomingEvent) -> _AggregateKey | None:
    return (incoming.app, incoming.subject) if incoming.subject else None


def _rank(incoming: IncomingEvent) -> float:
    """Return the arrival time by which events are ordered: later for low priority, by the time it yields."""
    consumer = incoming.consumer
    if not (incoming.is_low_priority and consumer):
        return incoming.arrived
    is_status = consumer.low_priority and not consumer.calls_outside
    return incoming.arrived + (MAX_STATUS_OVERTAKING if is_status else MAX_OVERTAKING)


def _batch_size(first: IncomingEvent) -> int:
    """Return the largest batch that the event may lead."""
    return first.consumer.batch if first.consumer and not first.alone else 1
