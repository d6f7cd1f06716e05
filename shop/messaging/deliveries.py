"""What the bridge has in hand: messages, their events, and the batches in which these run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from celery.exceptions import Reject
from celery.worker.request import Request
from kombu import Message
from kombu.utils.uuid import uuid

from shop import json_text
from shop.messaging.consuming import Consumer, lets_others_go_first
from shop.messaging.errors import UnknownEventType
from shop.messaging.failures import ATTEMPTS
from shop.messaging.models import DeadLetter

#: The task that records what cannot be read, see tasks.py.
BURY_TASK = "messaging.bury_unreadable"
#: The task that puts aside what a newer worker may be able to read.
LATER_TASK = "messaging.put_aside_unknown"


@dataclass(eq=False)
class Parcel:
    """A message in our hands, and how many of its events are not yet settled."""

    message: Message
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
class Delivered:
    """An event in our hands."""

    parcel: Parcel
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
        return LATER_TASK if isinstance(self.problem, UnknownEventType) else BURY_TASK

    @property
    def is_patient(self) -> bool:
        """Whether nobody waits for it."""
        return self.consumer is not None and lets_others_go_first(self.consumer)

    def grave(self) -> list[Any]:
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


class TaskMessage:
    """What Celery's strategy sees of a batch: one task message."""

    content_type, content_encoding = "application/json", "utf-8"
    #: Celery copies a message's arguments to where it shows them; a batch stays in the body.
    payload: tuple[Any, ...] = ((), {}, None)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.body = batch.body()
        self.delivery_info = batch.deliveries[0].parcel.message.delivery_info
        self.properties: dict[str, Any] = {}
        self.headers = {
            "task": batch.task,
            "id": uuid(),
            "lang": "py",
            "retries": 0,
            "timelimit": (None, None),
            "argsrepr": f"<{len(batch.deliveries)} events>",
            "kwargsrepr": "{}",
            "ignore_result": True,
        }


@dataclass(eq=False)
class Batch:
    """Events that run together; the messages that are done with them are acknowledged together."""

    task: str
    deliveries: list[Delivered]
    #: The consumer handed it back in good order; else its process died.
    handed_back: bool = False

    def body(self) -> str:
        """The arguments of the task, as Celery wants them."""
        return json_text.dumps([self._arguments(), {}, None])

    def _arguments(self) -> list[Any]:
        """Events go as one text: Celery's own reading of JSON calls Python for each object in it."""
        first = self.deliveries[0]
        if first.problem:
            return first.grave()
        bodies = ",".join(delivered.text for delivered in self.deliveries)
        headers = json_text.dumps([delivered.headers for delivered in self.deliveries])
        return [f"[[{bodies}],{headers}]"]


class DeliveryRequest(Request):
    """Celery's request for a batch; it notices whether a batch came back or its process died."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Remember that the consumer rejected the batch on purpose."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self.message.batch.handed_back = isinstance(error, Reject)
        return super().on_failure(exc_info, send_failed_event, return_ok)
