"""Tracing: correlation id, causation id and W3C trace context."""
