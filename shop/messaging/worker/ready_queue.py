"""Whose turn it is: which of the events that wait in a worker run next, and which of them together.

An event never waits for others to run with: whatever is there goes, up to the size of a batch. But

- what nobody waits for (letters, figures, the state that an order shows) is patient: it lets what carries
  orders on go first, and leaves it half the processes;
- what happened to one order reaches an app in the order in which it arrived, however many processes the
  worker has: an event waits until the app is done with the earlier ones of its order. It waits for no call
  to a gateway or carrier, though: that may take long, and a cancellation has to get past it.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable

from shop.messaging.worker.batch import Batch
from shop.messaging.worker.incoming import IncomingEvent

#: Seconds for which a patient event lets the others go first, though there is a place for it. An event
#: reaches all apps at once, and they share the machine: what carries the order on shall have it.
LOW_PRIORITY_DELAY = 0.05
#: So many waiting events of an app end that: there is load. It is half of MOST_MESSAGES, so that no worker
#: waits while it has all in hand that the broker gives it.
LOADED_FROM = 50
#: Seconds within which whatever is not patient overtakes letters and figures when places are scarce. So it
#: takes a longer load than that before orders wait for them.
MAX_OVERTAKING = 10.0
#: The same for what is patient by itself, in an app that publishes: the state of an order is quickly written,
#: and its customer looks at it.
MAX_OVERTAKING_OF_STATES = 1.0

_AggregateKey = tuple[str, str]


class ReadyQueue:
    """The events that are ready, and the order in which they run."""

    def __init__(self, concurrency: int) -> None:
        #: So many patient batches run at once while others run.
        self._low_priority_share = max(1, concurrency // 2)
        self._ready: dict[str, deque[IncomingEvent]] = defaultdict(deque)
        #: What waits of each order in each app and holds later events up, in the order of arrival.
        self._waiting_by_key: dict[_AggregateKey, deque[IncomingEvent]] = defaultdict(deque)
        self._waiting: Counter[str] = Counter()
        #: Of which orders something runs that holds later events up, by app.
        self._running: set[_AggregateKey] = set()
        self._batches: Counter[bool] = Counter()

    def add(self, incoming: IncomingEvent) -> None:
        """Take an event in."""
        self._ready[incoming.task].append(incoming)
        self._waiting[incoming.app] += 1
        if (key := _aggregate_key(incoming)) and _holds_up(incoming):
            self._waiting_by_key[key].append(incoming)

    def take(self, *, full: bool = False) -> Batch | None:
        """The batch that runs next; None if none may now, or if it has to be full and is not."""
        first = self._next(time.monotonic())
        if not first or (full and not self._is_worth_a_place(first)):
            return None
        batch = Batch(first.task, self._pick(first))
        self._batches[first.is_low_priority] += 1
        return batch

    def finish(self, batch: Batch) -> None:
        """Note that a batch has run, whatever became of it."""
        self._batches[batch.events[0].is_low_priority] -= 1
        self._running.difference_update(_keys_held_up_by(batch.events))

    def until_due(self) -> float | None:
        """Seconds until something may run, if nothing else happens; None if nothing will."""
        now = time.monotonic()
        waits = [wait for queue in self._queues() if (wait := self._wait_of(queue, now)) is not None]
        return max(0.0, min(waits)) if waits else None

    def clear(self) -> list[IncomingEvent]:
        """Forget what waits, and return it."""
        waiting = [incoming for queue in self._ready.values() for incoming in queue]
        self._ready.clear()
        self._waiting_by_key.clear()
        self._waiting.clear()
        return waiting

    def _next(self, now: float) -> IncomingEvent | None:
        """Whose turn it is: of what is due and first of its order, what has waited longest."""
        best: IncomingEvent | None = None
        for queue in sorted(self._queues(), key=lambda queue: _rank(queue[0])):
            if best and _rank(best) <= _rank(queue[0]):
                break
            if self._wait(queue[0], now) > 0:
                continue
            head = self._first_in(queue)
            if head and self._wait(head, now) <= 0 and not (best and _rank(best) <= _rank(head)):
                best = head
        return best

    def _queues(self) -> list[deque[IncomingEvent]]:
        """What waits for each task, in the order of arrival, as far as there are places."""
        full = self._batches[True] >= self._low_priority_share and self._batches[False] > 0
        return [queue for queue in self._ready.values() if queue and not (full and queue[0].is_low_priority)]

    def _wait_of(self, queue: deque[IncomingEvent], now: float) -> float | None:
        """Seconds until one may run, or shows whether it may; None if earlier events hold all of them up."""
        if (wait := self._wait(queue[0], now)) > 0:
            return wait
        head = self._first_in(queue)
        return self._wait(head, now) if head else None

    def _first_in(self, queue: deque[IncomingEvent]) -> IncomingEvent | None:
        """The first that no earlier event of its order holds up; it looks through all that are held up."""
        return next(filter(self._is_first, queue), None)

    def _is_worth_a_place(self, head: IncomingEvent) -> bool:
        """Whether it may wait in the pool: no more can go with it, and nothing is to overtake it."""
        is_full = len(self._ready[head.task]) >= _limit(head)
        return is_full and not (head.is_low_priority and self._batches[False])

    def _is_first(self, incoming: IncomingEvent) -> bool:
        key = _aggregate_key(incoming)
        if not key or key not in self._waiting_by_key:
            return key not in self._running
        first = self._waiting_by_key[key][0]
        return key not in self._running and (first is incoming or first.arrived > incoming.arrived)

    def _wait(self, head: IncomingEvent, now: float) -> float:
        """Seconds that it still has to wait."""
        if not head.is_low_priority or self._waiting[head.app] >= min(LOADED_FROM, _limit(head)):
            return 0.0
        return head.arrived + LOW_PRIORITY_DELAY - now

    def _pick(self, first: IncomingEvent) -> list[IncomingEvent]:
        """Take it, and what may run with it, out of what waits."""
        queue, picked, left = self._ready[first.task], list[IncomingEvent](), list[IncomingEvent]()
        while queue and len(picked) < _limit(first):
            incoming = queue.popleft()
            if (picked and incoming.alone) or not self._is_first(incoming):
                left.append(incoming)
                continue
            picked.append(incoming)
            self._leave(incoming)
        queue.extendleft(reversed(left))
        self._running.update(_keys_held_up_by(picked))
        return picked

    def _leave(self, incoming: IncomingEvent) -> None:
        """Have it wait no more."""
        self._waiting[incoming.app] -= 1
        for key in _keys_held_up_by([incoming]):
            self._waiting_by_key[key].remove(incoming)
            if not self._waiting_by_key[key]:
                del self._waiting_by_key[key]


def _keys_held_up_by(events: Iterable[IncomingEvent]) -> set[_AggregateKey]:
    return {key for incoming in events if _holds_up(incoming) and (key := _aggregate_key(incoming))}


def _holds_up(incoming: IncomingEvent) -> bool:
    consumer = incoming.consumer
    return incoming.is_low_priority or not (consumer and consumer.calls_outside)


def _aggregate_key(incoming: IncomingEvent) -> _AggregateKey | None:
    return (incoming.app, incoming.subject) if incoming.subject else None


def _rank(incoming: IncomingEvent) -> float:
    if not (incoming.is_low_priority and incoming.consumer):
        return incoming.arrived
    return incoming.arrived + (MAX_OVERTAKING_OF_STATES if incoming.consumer.low_priority else MAX_OVERTAKING)


def _limit(first: IncomingEvent) -> int:
    """How many events may run together with this one, itself included."""
    return first.consumer.batch if first.consumer and not first.alone else 1
