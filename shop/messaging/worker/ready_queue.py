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
        self._patient_share = max(1, concurrency // 2)
        self._ready: dict[str, deque[IncomingEvent]] = defaultdict(deque)
        #: What waits of each order in each app and holds later events up, in the order of arrival.
        self._lines: dict[_AggregateKey, deque[IncomingEvent]] = defaultdict(deque)
        self._waiting: Counter[str] = Counter()
        #: Of which orders something runs that holds later events up, by app.
        self._running: set[_AggregateKey] = set()
        self._batches: Counter[bool] = Counter()

    def add(self, delivered: IncomingEvent) -> None:
        """Take an event in."""
        self._ready[delivered.task].append(delivered)
        self._waiting[delivered.app] += 1
        if (line := _aggregate_key(delivered)) and _holds_up(delivered):
            self._lines[line].append(delivered)

    def take(self, *, full: bool = False) -> Batch | None:
        """The batch that runs next; None if none may now, or if it has to be full and is not."""
        first = self._next(time.monotonic())
        if not first or (full and not self._is_worth_a_place(first)):
            return None
        batch = Batch(first.task, self._pick(first))
        self._batches[first.is_patient] += 1
        return batch

    def finish(self, batch: Batch) -> None:
        """Note that a batch has run, whatever became of it."""
        self._batches[batch.deliveries[0].is_patient] -= 1
        self._running.difference_update(_keys_held_up_by(batch.deliveries))

    def until_due(self) -> float | None:
        """Seconds until something may run, if nothing else happens; None if nothing will."""
        now = time.monotonic()
        waits = [wait for queue in self._queues() if (wait := self._wait_of(queue, now)) is not None]
        return max(0.0, min(waits)) if waits else None

    def clear(self) -> list[IncomingEvent]:
        """Forget what waits, and return it."""
        waiting = [delivered for queue in self._ready.values() for delivered in queue]
        self._ready.clear()
        self._lines.clear()
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
        full = self._batches[True] >= self._patient_share and self._batches[False] > 0
        return [queue for queue in self._ready.values() if queue and not (full and queue[0].is_patient)]

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
        return is_full and not (head.is_patient and self._batches[False])

    def _is_first(self, delivered: IncomingEvent) -> bool:
        line = _aggregate_key(delivered)
        if not line or line not in self._lines:
            return line not in self._running
        first = self._lines[line][0]
        return line not in self._running and (first is delivered or first.arrived > delivered.arrived)

    def _wait(self, head: IncomingEvent, now: float) -> float:
        """Seconds that it still has to wait."""
        if not head.is_patient or self._waiting[head.app] >= min(LOADED_FROM, _limit(head)):
            return 0.0
        return head.arrived + LOW_PRIORITY_DELAY - now

    def _pick(self, first: IncomingEvent) -> list[IncomingEvent]:
        """Take it, and what may run with it, out of what waits."""
        queue, picked, left = self._ready[first.task], list[IncomingEvent](), list[IncomingEvent]()
        while queue and len(picked) < _limit(first):
            delivered = queue.popleft()
            if (picked and delivered.alone) or not self._is_first(delivered):
                left.append(delivered)
                continue
            picked.append(delivered)
            self._leave(delivered)
        queue.extendleft(reversed(left))
        self._running.update(_keys_held_up_by(picked))
        return picked

    def _leave(self, delivered: IncomingEvent) -> None:
        """Have it wait no more."""
        self._waiting[delivered.app] -= 1
        for line in _keys_held_up_by([delivered]):
            self._lines[line].remove(delivered)
            if not self._lines[line]:
                del self._lines[line]


def _keys_held_up_by(deliveries: Iterable[IncomingEvent]) -> set[_AggregateKey]:
    return {line for delivered in deliveries if _holds_up(delivered) and (line := _aggregate_key(delivered))}


def _holds_up(delivered: IncomingEvent) -> bool:
    consumer = delivered.consumer
    return delivered.is_patient or not (consumer and consumer.calls_outside)


def _aggregate_key(delivered: IncomingEvent) -> _AggregateKey | None:
    return (delivered.app, delivered.subject) if delivered.subject else None


def _rank(delivered: IncomingEvent) -> float:
    if not (delivered.is_patient and delivered.consumer):
        return delivered.arrived
    return delivered.arrived + (MAX_OVERTAKING_OF_STATES if delivered.consumer.patient else MAX_OVERTAKING)


def _limit(first: IncomingEvent) -> int:
    """How many events may run together with this one, itself included."""
    return first.consumer.batch if first.consumer and not first.alone else 1
