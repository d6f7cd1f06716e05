"""Spans of the kernel's work. They go to a recorder, if one is installed; without one they cost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol
from uuid import UUID

from shop.messaging.contracts import Event


class Recorder(Protocol):
    """Receiver of the kernel's spans. Contexts of spans are given as W3C traceparents."""

    def created(self, event_type: str, parent: str, cause: UUID | None) -> str:
        """Record the creation of an event, and return the traceparent that it is to carry.

        Args:
            event_type: type of the event.
            parent: traceparent of its publisher, if no span is current and ``cause`` is not consumed now.
            cause: id of the event that caused it.
        """

    def sent(self, bodies: Iterable[str]) -> AbstractContextManager[None]:
        """Return the span of a batch of CloudEvents that is published to the broker."""

    def processed(self, consumer: str, events: Sequence[Event]) -> AbstractContextManager[None]:
        """Return the spans of a consumer's run, one for each event."""

    def called(self, call: str) -> AbstractContextManager[None]:
        """Return the span of a call to a provider, such as ``gateway.authorise``."""


_recorder: Recorder | None = None


def install(recorder: Recorder | None) -> None:
    """Send the spans of this process to a recorder, or to none."""
    global _recorder
    _recorder = recorder


def are_recorded() -> bool:
    """Return whether spans go anywhere."""
    return _recorder is not None


def created(event_type: str, parent: str, cause: UUID | None) -> str:
    """Return the traceparent that a new event is to carry; its parent's, if no span is recorded."""
    return _recorder.created(event_type, parent, cause) if _recorder else parent


def sent(bodies: Iterable[str]) -> AbstractContextManager[None]:
    """Record the publication of a batch."""
    return _recorder.sent(bodies) if _recorder else nullcontext()


def processed(consumer: str, events: Sequence[Event]) -> AbstractContextManager[None]:
    """Record a consumer's run."""
    return _recorder.processed(consumer, events) if _recorder else nullcontext()


def called(call: str) -> AbstractContextManager[None]:
    """Record a call to a provider."""
    return _recorder.called(call) if _recorder else nullcontext()
