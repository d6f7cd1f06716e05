"""Tally of a consumer's run, for metrics: the pool's process returns it to its worker as the task's result.

So a worker's main process alone has all numbers, and the pool's processes share nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

from shop.messaging.contracts import Event, Reminder

#: Outcomes of an event; without any of them the inbox had it already. A failed try is none: the event is
#: tried again, retried or a dead letter.
CONSUMED, RETRIED, DEFERRED, HELD, DEAD = range(5)
OUTCOMES = ("consumed", "retried", "deferred", "held", "dead")
#: Position of the number of failed tries.
_FAILED = len(OUTCOMES)
#: Time in an event's id, in milliseconds.
_TIME_SHIFT = 80


class Tally:
    """Numbers of one run."""

    __slots__ = ("_numbers", "critical_times")

    def __init__(self, numbers: list[int] | None = None, critical_times: list[int] | None = None) -> None:
        self._numbers = numbers or [0] * (_FAILED + 1)
        #: Milliseconds from an event to the commit of its effects, for each consumed event.
        self.critical_times = critical_times or []

    @classmethod
    def parse(cls, text: str) -> Tally:
        """Return the tally that text() has written, as Celery shows a task's result: in quotes."""
        numbers = list(map(int, text.strip("'").split(",")))
        return cls(numbers[: _FAILED + 1], numbers[_FAILED + 1 :])

    def text(self) -> str:
        """Return the tally as the task's result."""
        return ",".join(map(str, self._numbers + self.critical_times))

    def add(self, outcome: int, events: int = 1) -> None:
        """Add events with an outcome."""
        self._numbers[outcome] += events

    @property
    def outcomes(self) -> list[int]:
        """Return the numbers of events, in the order of OUTCOMES."""
        return self._numbers[:_FAILED]

    @property
    def failed(self) -> int:
        """Return the number of failed tries."""
        return self._numbers[_FAILED]


_current: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallied() -> Iterator[Tally | None]:
    """Tally the block; None if metrics are off."""
    if not settings.SHOP_METRICS:
        yield None
        return
    token = _current.set(tally := Tally())
    try:
        yield tally
    finally:
        _current.reset(token)


def count(outcome: int, events: int = 1) -> None:
    """Count events that were not consumed."""
    if tally := _current.get():
        tally.add(outcome, events)


def count_failure() -> None:
    """Count a failed try."""
    count(_FAILED)


def count_consumed(events: Sequence[Event]) -> None:
    """Count consumed events, right after the commit.

    A reminder has no critical time: it is made long before it is due.
    """
    if not (tally := _current.get()):
        return
    tally.add(CONSUMED, len(events))
    now = time.time_ns() // 1_000_000
    tally.critical_times += [
        max(0, now - (event.meta.id.int >> _TIME_SHIFT))
        for event in events
        if not isinstance(event, Reminder)
    ]
