"""What ties events together: correlation, causation and the W3C trace context of the current work."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from shop.ids import uuid7
from shop.messaging.contracts import Meta

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the work in hand comes from."""

    correlation_id: UUID
    traceparent: str
    causation_id: UUID | None = None


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace:
    """The trace of the work in hand; a new one if nothing has begun it."""
    return _current.get() or begin()


def begin(traceparent: str = "", correlation_id: UUID | None = None) -> Trace:
    """A trace that continues ``traceparent``, or starts afresh where that is not valid."""
    if not _TRACEPARENT.fullmatch(traceparent):
        traceparent = f"00-{_random_hex(16)}-{_random_hex(8)}-01"
    return Trace(correlation_id or uuid7(), traceparent)


def caused_by(meta: Meta) -> Trace:
    """The trace of what the event with ``meta`` sets off: same correlation, a new span."""
    head, _, flags = (meta.traceparent or begin().traceparent).rpartition("-")
    trace_id = head.split("-")[1]
    return Trace(meta.correlation_id, f"00-{trace_id}-{_random_hex(8)}-{flags}", meta.id)


def _random_hex(size: int) -> str:
    """So many random bytes, in hex. No secret: asking the system for them takes ten times as long."""
    return random.randbytes(size).hex()


@contextmanager
def using(trace: Trace) -> Iterator[Trace]:
    """Make ``trace`` the current one."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
