"""Context of log lines: the consumer that runs, and its events. It is read only when a line is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from shop.messaging.contracts import Event

_running: ContextVar[tuple[str, Sequence[Event]] | None] = ContextVar("log_context", default=None)


@contextmanager
def about(consumer: str, events: Sequence[Event]) -> Iterator[None]:
    """Have the lines of the block tell their consumer and events."""
    token = _running.set((consumer, events))
    try:
        yield
    finally:
        _running.reset(token)


def fields() -> dict[str, Any]:
    """Return the fields of a line: ids, of one event as texts, of several as lists of one length."""
    if not (running := _running.get()):
        return {}
    consumer, events = running
    columns = [_ids(event) for event in events]
    if len(columns) == 1:
        return {"consumer": consumer, **columns[0]}
    return {"consumer": consumer, **{name: [ids[name] for ids in columns] for name in _NAMES if columns}}


_NAMES = ("order", "event", "type", "correlation_id", "trace_id")


def _ids(event: Event) -> dict[str, str]:
    meta = event.meta
    return {
        "order": str(event.aggregate_id),
        "event": str(meta.id),
        "type": event.type,
        "correlation_id": str(meta.correlation_id),
        "trace_id": _trace_id(meta.traceparent),
    }


def _trace_id(traceparent: str | None) -> str:
    """Return the trace id of a W3C traceparent; empty without one."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") == 3 else ""
