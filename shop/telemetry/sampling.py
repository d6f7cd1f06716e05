"""Sampler that leaves out the statements of idle loops: relay and workers look for work all the time."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes


class WorkOnly(Sampler):
    """Sampler that drops statements outside of any span, and asks another one about everything else."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return whether to record a span. psycopg's instrumentation begins one without attributes."""
        if kind is SpanKind.CLIENT and not attributes and not get_current_span(parent_context).is_recording():
            return SamplingResult(Decision.DROP, trace_state=trace_state)
        return self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return the name of the sampler, for logs of the SDK."""
        return f"WorkOnly{{{self._sampler.get_description()}}}"
