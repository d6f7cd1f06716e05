"""Batches of events, as Celery task messages and requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from celery.exceptions import Reject
from celery.worker import state
from celery.worker.request import Request
from kombu.utils.uuid import uuid

from shop.messaging.consuming.tally import Tally
from shop.messaging.signals import consumer_ran
from shop.messaging.worker.incoming import IncomingEvent
from shop.postgres import json_text


class TaskMessage:
    """Task message of a batch, as Celery's execution strategy expects it."""

    content_type, content_encoding = "application/json", "utf-8"
    #: Celery copies the payload into its task events. It stays empty: the arguments are in the body only.
    payload: tuple[Any, ...] = ((), {}, None)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.body = batch.body()
        self.delivery_info = batch.events[0].message.raw.delivery_info
        self.properties: dict[str, Any] = {}
        self.headers = {
            "task": batch.task,
            "id": uuid(),
            "lang": "py",
            "retries": 0,
            "timelimit": (None, None),
            "argsrepr": f"<{len(batch.events)} events>",
            "kwargsrepr": "{}",
            "ignore_result": True,
        }


@dataclass(eq=False)
class Batch:
    """Events that run together, in one run of one task."""

    task: str
    events: list[IncomingEvent]
    #: The batch was rejected on purpose. If False after a failure, its worker process was lost.
    was_rejected: bool = False

    def report(self, seconds: float | None = None, result: str = "") -> None:
        """Send consumer_ran; without arguments for a run that came to no result."""
        if consumer_ran.receivers and self.events[0].consumer:
            tally = Tally.parse(result) if result and result != "None" else None
            consumer_ran.send(self.task, events=len(self.events), seconds=seconds, tally=tally)

    def body(self) -> str:
        """Return the task's arguments in Celery's message protocol."""
        return json_text.dumps([self._arguments(), {}, None])

    def _arguments(self) -> list[Any]:
        """Return the positional arguments: all events in one string.

        Celery's JSON decoder calls a Python hook for each object; a string is decoded without it.
        """
        first = self.events[0]
        if first.problem:
            return first.dead_letter_args()
        bodies = ",".join(incoming.text for incoming in self.events)
        headers = json_text.dumps([incoming.headers for incoming in self.events])
        return [f"[[{bodies}],{headers}]"]


class DeliveryRequest(Request):
    """Celery's request for a batch. It tells a rejected batch from a lost worker process."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Have each run reported. Celery makes a subclass for each task, with an on_success of its own."""
        super().__init_subclass__(**kwargs)
        on_success: Any = cls.on_success

        def report_and_succeed(self: Self, outcome: Any, **kwargs: Any) -> Any:
            has_failed, result, seconds = outcome
            if not has_failed:
                self.message.batch.report(seconds, result)
            return on_success(self, outcome, **kwargs)

        cls.on_success = report_and_succeed  # type: ignore[method-assign,assignment]

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Record whether the task rejected the batch."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self.message.batch.was_rejected = isinstance(error, Reject)
        self.message.batch.report()
        return super().on_failure(exc_info, send_failed_event, return_ok)

    def _announce_revoked(self, *args: object) -> None:
        """Have the batch run again. Celery would acknowledge what it has terminated without running it.

        It terminates running tasks when the connection to its own broker is lost. On another event bus they
        are still to be settled, and an acknowledgement would lose them.
        """
        state.task_ready(self)
        self.message.batch.was_rejected = True
        self.reject(requeue=True)
