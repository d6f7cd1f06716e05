"""Incoming messages and events in the hands of a worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from kombu import Message

from shop.messaging.consuming import Consumer, has_low_priority
from shop.messaging.consuming.envelope import ATTEMPTS
from shop.messaging.errors import UnknownEventType
from shop.messaging.models import DeadLetter

#: The task that records what cannot be read, see tasks.py.
DEAD_LETTER_TASK = "messaging.bury_unreadable"

#: The task that puts aside what a newer worker may be able to read.
RETRY_UNKNOWN_TASK = "messaging.put_aside_unknown"


@dataclass(eq=False)
class IncomingMessage:
    """A message in our hands, and how many of its events are not yet settled."""

    raw: Message
    open: int
    #: One of its events is recorded as a dead letter.
    is_dead: bool = False
    #: It is given back, and will be delivered again with all its events.
    is_given_back: bool = False

    def settle(self) -> bool:
        """Note that an event is settled; say whether the message is to be acknowledged now."""
        self.open -= 1
        return not self.open


@dataclass(eq=False)
class IncomingEvent:
    """An event in our hands."""

    message: IncomingMessage
    app: str
    #: The event as it was sent, which is JSON if it has a consumer.
    text: str
    #: Who consumes it; None if it cannot be read.
    consumer: Consumer | None
    headers: dict[str, int]
    #: Why it cannot be consumed.
    problem: Exception | None = None
    #: Run it alone: it, or one that ran with it, may have brought a worker down.
    alone: bool = False
    #: What it is about, an order mostly; empty if it does not say.
    subject: str = ""
    cause: str = DeadLetter.Cause.UNREADABLE
    crashes: int = 0
    arrived: float = field(default_factory=time.monotonic)

    @property
    def task(self) -> str:
        """The task that takes it."""
        if self.consumer:
            return self.consumer.name
        return RETRY_UNKNOWN_TASK if isinstance(self.problem, UnknownEventType) else DEAD_LETTER_TASK

    @property
    def is_low_priority(self) -> bool:
        """Whether nobody waits for it."""
        return self.consumer is not None and has_low_priority(self.consumer)

    def dead_letter_args(self) -> list[Any]:
        """The arguments of the task that records it."""
        attempts = self.headers.get(ATTEMPTS, 0) + self.crashes
        return [
            self.app,
            self.text,
            type(self.problem).__name__,
            str(self.problem),
            self.cause,
            attempts,
        ]
