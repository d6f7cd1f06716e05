"""The Django app of the traces, installed if the OTEL_ variables ask for them."""

from importlib.util import find_spec

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class TelemetryConfig(AppConfig):
    """App ``telemetry``: sends spans of requests, statements, events and provider calls to a collector."""

    name = "shop.telemetry"
    label = "telemetry"

    def ready(self) -> None:
        """Install the exporter and the instrumentations."""
        if not find_spec("opentelemetry.instrumentation.django"):
            raise ImproperlyConfigured(
                "OTEL_ variables ask for traces, and there is no OpenTelemetry:"
                " pip install --require-hashes -r requirements-tracing.txt, or set OTEL_SDK_DISABLED=true."
            )
        from shop.telemetry import exporting

        exporting.start()
