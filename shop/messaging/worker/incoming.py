"""Messages that a worker has received and not yet acknowledged, and their events."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from shop.messaging.bus.port import BusMessage
from shop.messaging.consuming import Consumer, has_low_priority
from shop.messaging.consuming.envelope import ATTEMPTS, UNSIGNED
from shop.messaging.errors import UnknownEventType
from shop.messaging.models import DeadLetter

#: Task that records an unreadable message as a dead letter, see dead_letters/tasks.py.
DEAD_LETTER_TASK = "messaging.bury_unreadable"

#: Task that records a forged task message as a dead letter.
FORGED_TASK = "messaging.record_forged_task"

#: Task that schedules a retry of a message of unknown type, for a newer worker.
RETRY_UNKNOWN_TASK = "messaging.put_aside_unknown"


@dataclass(eq=False)
class IncomingMessage:
    """A delivered message and the number of its events that are unfinished."""

    raw: BusMessage
    unfinished: int
    #: One of its events is recorded as a dead letter.
    is_dead: bool = False
    #: It is returned to its queue and will be redelivered with all its events.
    is_requeued: bool = False

    def finish_event(self) -> bool:
        """Count one event as finished. Returns True after the last one: the message can be acknowledged."""
        self.unfinished -= 1
        return not self.unfinished


@dataclass(eq=False)
class IncomingEvent:
    """An event of a delivered message, with its consumer or the reason why it has none."""

    message: IncomingMessage
    app: str
    #: The event as received; valid JSON if it has a consumer.
    text: str
    #: None if the event cannot be consumed.
    consumer: Consumer | None
    headers: dict[str, int]
    #: Reason why it cannot be consumed.
    problem: Exception | None = None
    #: It runs in a batch of its own: it may have crashed a worker process.
    alone: bool = False
    #: Id of its aggregate; empty if the event has none.
    subject: str = ""
    #: Cause of its dead letter, if it becomes one.
    cause: str = DeadLetter.Cause.UNREADABLE
    #: Worker processes lost while it ran alone.
    crashes: int = 0
    #: Time of arrival, by the monotonic clock.
    arrived: float = field(default_factory=time.monotonic)

    @property
    def task(self) -> str:
        """Name of the task that takes the event."""
        if self.consumer:
            return self.consumer.name
        return RETRY_UNKNOWN_TASK if isinstance(self.problem, UnknownEventType) else DEAD_LETTER_TASK

    @property
    def is_low_priority(self) -> bool:
        """Return whether the event yields to others under load."""
        return self.consumer is not None and has_low_priority(self.consumer)

    def dead_letter_args(self) -> list[Any]:
        """Return the arguments of the task that records the event as a dead letter."""
        attempts = self.headers.get(ATTEMPTS, 0) + self.crashes
        return [
            self.app,
            self.text,
            type(self.problem).__name__,
            str(self.problem),
            self.cause,
            attempts,
            UNSIGNED in self.headers,
        ]
