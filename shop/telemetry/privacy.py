"""Spans without texts that may hold personal data or secrets: those of exceptions, paths and queries."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

#: Attributes of a request that the route stands for: a link in a mail has a secret in its path.
_PATHS = frozenset({"http.url", "http.target", "url.full", "url.path", "url.query"})


class WithoutTexts(SpanExporter):
    """Exporter that removes such texts before another one sends the spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send reduced copies of the spans."""
        return self._exporter.export([_reduced(span) for span in spans])

    def shutdown(self) -> None:
        """Release the other exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the other exporter holds."""
        return self._exporter.force_flush(timeout_millis)


def _reduced(span: ReadableSpan) -> ReadableSpan:
    """Return a copy with the type of its exception, without message, traceback, paths and queries."""
    attributes = {name: value for name, value in (span.attributes or {}).items() if name not in _PATHS}
    for event in span.events:
        if error := (event.attributes or {}).get("exception.type"):
            attributes.setdefault("error.type", error)
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )
