"""Batches of events that run together, as Celery task messages and requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from celery.exceptions import Reject
from celery.worker.request import Request
from kombu.utils.uuid import uuid

from shop.messaging.worker.incoming import IncomingEvent
from shop.postgres import json_text


class TaskMessage:
    """What Celery's strategy sees of a batch: one task message."""

    content_type, content_encoding = "application/json", "utf-8"
    #: Celery copies a message's arguments to where it shows them; a batch stays in the body.
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
    """Events that run together; the messages that are done with them are acknowledged together."""

    task: str
    events: list[IncomingEvent]
    #: The consumer handed it back in good order; else its process died.
    handed_back: bool = False

    def body(self) -> str:
        """The arguments of the task, as Celery wants them."""
        return json_text.dumps([self._arguments(), {}, None])

    def _arguments(self) -> list[Any]:
        """Events go as one text: Celery's own reading of JSON calls Python for each object in it."""
        first = self.events[0]
        if first.problem:
            return first.dead_letter_args()
        bodies = ",".join(incoming.text for incoming in self.events)
        headers = json_text.dumps([incoming.headers for incoming in self.events])
        return [f"[[{bodies}],{headers}]"]


class DeliveryRequest(Request):
    """Celery's request for a batch; it notices whether a batch came back or its process died."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Remember that the consumer rejected the batch on purpose."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self.message.batch.handed_back = isinstance(error, Reject)
        return super().on_failure(exc_info, send_failed_event, return_ok)
