"""Exporter of spans, and the instrumentations of Django and psycopg."""

import os
from typing import Any

from celery.signals import worker_process_shutdown
from django.core.exceptions import ImproperlyConfigured
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from shop.messaging.tracing import spans
from shop.telemetry.privacy import WithoutTexts
from shop.telemetry.recorder import SpanRecorder
from shop.telemetry.sampling import WorkOnly

#: Addresses whose requests are not recorded, by default.
_PROBES = ("healthz", "livez", "readyz")
_EXPORTERS: dict[str, type[SpanExporter]] = {"otlp": OTLPSpanExporter, "console": ConsoleSpanExporter}


def start() -> None:
    """Record the spans of this process, as the OTEL_ variables say."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: _service_name()}))
    provider.add_span_processor(BatchSpanProcessor(WithoutTexts(_exporter())))
    trace.set_tracer_provider(provider)
    worker_process_shutdown.connect(_flush, weak=False)
    instrument(provider)


def instrument(provider: TracerProvider) -> None:
    """Have requests, statements and the kernel's work recorded by a provider."""
    provider.sampler = WorkOnly(provider.sampler)
    spans.install(SpanRecorder(provider.get_tracer("shop")))
    DjangoInstrumentor().instrument(tracer_provider=provider, excluded_urls=_excluded_urls())
    PsycopgInstrumentor().instrument(tracer_provider=provider)


def stop_instrumenting() -> None:
    """Have nothing recorded any more."""
    PsycopgInstrumentor().uninstrument()
    DjangoInstrumentor().uninstrument()
    spans.install(None)


def _excluded_urls() -> str:
    return os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS") or ",".join(_PROBES)


def _service_name() -> str:
    return os.environ.get("OTEL_SERVICE_NAME") or "shop"


def _exporter() -> SpanExporter:
    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if name not in _EXPORTERS:
        raise ImproperlyConfigured(f"OTEL_TRACES_EXPORTER={name}: give {', '.join(_EXPORTERS)} or none")
    return _EXPORTERS[name]()


def _flush(**kwargs: object) -> None:
    """Send what is left before a pool process ends, which runs no exit handlers."""
    provider: Any = trace.get_tracer_provider()
    provider.force_flush()
