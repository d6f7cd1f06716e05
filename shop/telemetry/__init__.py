"""Traces for OpenTelemetry, imported only if the standard OTEL_ variables ask for them."""

from collections.abc import Mapping


def is_configured(env: Mapping[str, str]) -> bool:
    """Return whether the environment names a collector or an exporter of traces."""
    if env.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if exporter := env.get("OTEL_TRACES_EXPORTER", ""):
        return exporter != "none"
    return bool(env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
