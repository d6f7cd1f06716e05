"""Tracing: correlation, causation and W3C trace context of the work in hand."""
