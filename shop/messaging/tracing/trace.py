"""Trace of the current context: correlation id, causation id and W3C trace context."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from shop.ids import uuid7
from shop.messaging.contracts import Meta
from shop.messaging.contracts.envelope import valid_traceparent


@dataclass(frozen=True, slots=True)
class Trace:
    """Origin of the current work; events that it publishes carry its ids."""

    correlation_id: UUID
    traceparent: str
    causation_id: UUID | None = None


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace:
    """Return the current trace, or a new one if there is none."""
    return _current.get() or begin()


def begin(traceparent: str = "", correlation_id: UUID | None = None) -> Trace:
    """Return a trace that continues ``traceparent``, or a new one if that is invalid."""
    if not valid_traceparent(traceparent):
        traceparent = f"00-{_random_hex(16)}-{_random_hex(8)}-01"
    return Trace(correlation_id or uuid7(), traceparent)


def caused_by(meta: Meta) -> Trace:
    """Return the trace of an event's consumption: same correlation id, new span."""
    parent = meta.traceparent or begin().traceparent  # its parts have fixed lengths
    return Trace(meta.correlation_id, f"00-{parent[3:35]}-{_random_hex(8)}-{parent[53:55]}", meta.id)


def _random_hex(size: int) -> str:
    """Return random bytes in hex. They are not secret: the operating system's source is ten times slower."""
    return random.randbytes(size).hex()


@contextmanager
def using(trace: Trace) -> Iterator[Trace]:
    """Make ``trace`` the current one within the block."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
