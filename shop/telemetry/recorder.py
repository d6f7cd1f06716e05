"""Spans of the kernel's work for OpenTelemetry, after its conventions for messaging."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, TraceFlags, Tracer

from shop.messaging.contracts import Event

_TRACEPARENT = re.compile(r'"traceparent": "([0-9a-f-]{55})"')
_CREATE, _SEND, _PROCESS = (
    {"messaging.system": "shop", "messaging.operation.name": name, "messaging.operation.type": kind}
    for name, kind in (("create", "create"), ("publish", "send"), ("process", "process"))
)
#: Spans of the running consumer, by the ids of its events.
_running: ContextVar[dict[UUID, Span] | None] = ContextVar("running", default=None)


class SpanRecorder:
    """Recorder of the kernel's spans: all of an order are in the trace in which it was placed."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def created(self, event_type: str, parent: str, cause: UUID | None) -> str:
        """Record the creation of an event, below its cause's run or the current span."""
        span = (_running.get() or {}).get(cause) if cause else trace.get_current_span()
        if not span or not span.get_span_context().is_valid:
            span = _remote(parent)
        with self._tracer.start_as_current_span(
            f"create {event_type}",
            trace.set_span_in_context(span),
            SpanKind.PRODUCER,
            {**_CREATE, "messaging.destination.name": event_type},
        ) as created:
            return _traceparent(created.get_span_context())

    @contextmanager
    def sent(self, bodies: Iterable[str]) -> Iterator[None]:
        """Record a batch of the relay, with a link to the creation of each event."""
        parents = [found[1] for body in bodies if (found := _TRACEPARENT.search(body))]
        links = [Link(_context(parent)) for parent in parents]
        with self._tracer.start_as_current_span(
            "publish shop.events",
            kind=SpanKind.CLIENT,
            attributes={**_SEND, "messaging.batch.message_count": len(parents)},
            links=links,
        ):
            yield

    @contextmanager
    def processed(self, consumer: str, events: Sequence[Event]) -> Iterator[None]:
        """Record a consumer's run over each event; that of a batch has a span of its own beside them."""
        with ExitStack() as ends:
            batch = ends.enter_context(self._batch(consumer, events)) if len(events) > 1 else None
            links = [Link(batch.get_span_context())] if batch else []
            running = {
                event.meta.id: ends.enter_context(self._run(consumer, event, links)) for event in events
            }
            token = _running.set(running)
            ends.callback(_running.reset, token)
            if batch:
                ends.enter_context(trace.use_span(batch))
            yield

    @contextmanager
    def called(self, call: str) -> Iterator[None]:
        """Record a call to a provider."""
        attributes = {"rpc.method": call}
        with self._tracer.start_as_current_span(f"call {call}", kind=SpanKind.CLIENT, attributes=attributes):
            yield

    @contextmanager
    def _batch(self, consumer: str, events: Sequence[Event]) -> Iterator[Span]:
        links = [Link(_context(event.meta.traceparent)) for event in events if event.meta.traceparent]
        with self._span(f"process batch {consumer}", consumer, links=links, count=len(events)) as span:
            yield span

    @contextmanager
    def _run(self, consumer: str, event: Event, links: Sequence[Link]) -> Iterator[Span]:
        parent = _remote(event.meta.traceparent or "")
        with self._span(f"process {consumer}", consumer, parent=parent, links=links) as span:
            span.set_attribute("messaging.destination.name", event.type)
            span.set_attribute("messaging.message.id", str(event.meta.id))
            span.set_attribute("messaging.message.conversation_id", str(event.meta.correlation_id))
            yield span

    @contextmanager
    def _span(
        self,
        name: str,
        consumer: str,
        *,
        parent: Span = trace.INVALID_SPAN,
        links: Sequence[Link] = (),
        count: int = 0,
    ) -> Iterator[Span]:
        attributes: dict[str, str | int] = {**_PROCESS, "messaging.consumer.group.name": consumer}
        if count:
            attributes["messaging.batch.message_count"] = count
        context = trace.set_span_in_context(parent)
        span = self._tracer.start_span(name, context, SpanKind.CONSUMER, attributes, links)
        with trace.use_span(span, end_on_exit=True):
            yield span


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _remote(traceparent: str) -> Span:
    return trace.NonRecordingSpan(_context(traceparent)) if traceparent else trace.INVALID_SPAN


def _context(traceparent: str) -> SpanContext:
    trace_id, span_id, flags = (int(part, 16) for part in traceparent.split("-")[1:])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
