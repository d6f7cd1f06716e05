"""Spans of requests, events, runs and provider calls: one order is one trace, without personal data."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection
from django.test import Client
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from console.seeding import seed
from dev.paths import ROOT
from orders.events import OrderCreated
from payments.models import GatewayFault
from shop import telemetry
from shop.accounts import api_keys
from shop.messaging.event_log import replay
from shop.messaging.models import EventRecord
from shop.telemetry import exporting
from shop.telemetry.apps import TelemetryConfig
from shop.telemetry.privacy import WithoutTexts
from tests.support.inprocess import deliver_all, deliver_batch

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "Quetzalcoatl"


class Spans:
    """All spans that have ended."""

    def __init__(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        self.provider = provider
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        [span] = self.named(name)
        return span

    def parent(self, span: ReadableSpan) -> ReadableSpan:
        [parent] = [one for one in self.all() if span.parent and one.context.span_id == span.parent.span_id]
        return parent

    def ancestors(self, span: ReadableSpan) -> list[str]:
        names = []
        while span.parent:
            span = self.parent(span)
            names.append(span.name)
        return names


@pytest.fixture
def spans(settings, tmp_path) -> Iterator[Spans]:
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    seed()
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(WithoutTexts(exporter)))
    exporting.instrument(provider)
    connection.close()  # a session that is open already is not recorded
    yield Spans(provider, exporter)
    exporting.stop_instrumenting()
    connection.close()


def place(*, deliver: bool = True, **headers: str) -> None:
    """Place an order over the REST API, and deliver all events."""
    alice = User.objects.get(username="alice")
    _, key = api_keys.create_key(user=alice, name="test")
    address = {
        "name": CANARY,
        "street": "1 Rabbit Hole",
        "city": "Oxford",
        "postal_code": "OX1 1AA",
        "country": "GB",
    }
    body = {"lines": [{"sku": "MUG", "quantity": 1}], "ship_to": address, "payment_method": "pm_card_visa"}
    answer = Client().post(
        "/api/v1/orders",
        json.dumps(body),
        "application/json",
        headers={"Authorization": f"Bearer {key}", **headers},
    )
    assert answer.status_code == 201, answer.content
    if deliver:
        deliver_all()


def test_an_order_is_one_trace_over_all_contexts(spans):
    place()
    shipped = spans.one("process orders.when_order_shipped_mark_it_shipped")
    assert spans.ancestors(shipped) == [
        "create shipping.OrderShipped.v2",
        "process shipping.when_inventory_updated_book_carrier",
        "create inventory.InventoryUpdated.v1",
        "process inventory.when_payment_processed_deduct_stock",
        "create payments.PaymentProcessed.v1",
        "process payments.when_order_created_charge_customer",
        "create orders.OrderCreated.v2",
        "POST api/v1/orders",
    ]
    kernel = [span for span in spans.all() if span.name.startswith(("create ", "process "))]
    assert len({span.context.trace_id for span in kernel}) == 1
    assert {span.kind for span in kernel} == {SpanKind.PRODUCER, SpanKind.CONSUMER}


def test_the_trace_of_the_request_goes_on_and_is_that_of_the_log(spans):
    place(traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    traceparents = EventRecord.objects.exclude(traceparent="").values_list("traceparent", flat=True)
    assert {text.split("-")[1] for text in traceparents} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    logged = {int(text.split("-")[2], 16) for text in traceparents}
    assert logged <= {span.context.span_id for span in spans.all() if span.name.startswith("create ")}


def test_calls_to_providers_and_statements_belong_to_their_run(spans):
    place()
    called = spans.one("call gateway.authorise")
    assert spans.parent(called).name == "process payments.when_order_created_charge_customer"
    statements = [span for span in spans.all() if span.attributes.get("db.system") == "postgresql"]
    owners = {spans.parent(span).name for span in statements if span.parent}
    assert len(statements) == len([span for span in statements if span.parent])
    assert {"POST api/v1/orders", "process inventory.when_payment_processed_deduct_stock"} <= owners


def test_a_batch_has_a_span_of_its_own_and_its_events_stay_in_the_traces_of_their_orders(spans):
    for _ in range(2):
        place(deliver=False)
    created = list(replay(types=[OrderCreated.type]))
    deliver_batch(created, "payments")
    batch = spans.one("process batch payments.when_order_created_charge_customer")
    orders = {int(event.meta.traceparent.split("-")[1], 16) for event in created}
    assert len(orders) == batch.attributes["messaging.batch.message_count"] == 2
    assert {link.context.trace_id for link in batch.links} == orders

    runs = spans.named("process payments.when_order_created_charge_customer")
    assert {link.context.span_id for run in runs for link in run.links} == {batch.context.span_id}
    paid = spans.named("create payments.PaymentProcessed.v1")
    assert {run.context.trace_id for run in runs} == {one.context.trace_id for one in paid} == orders


def test_failed_tries_are_errors_without_the_text_of_the_exception(spans):
    GatewayFault.objects.create(kind="outage", calls_left=None)
    place()
    tries = spans.named("process payments.when_order_created_charge_customer")
    assert len(tries) == 3
    assert {one.status.status_code for one in tries} == {StatusCode.ERROR}
    assert all(one.attributes["error.type"] for one in tries)
    assert not any(one.events for one in tries)


def test_statements_and_probes_that_belong_to_no_work_are_not_recorded(spans):
    User.objects.count()
    Client().get("/livez")
    assert spans.all() == []


def test_no_span_has_personal_data_or_the_path_of_a_request(spans):
    place()
    Client().get("/confirm-address/secret-of-a-link/", {"email": f"{CANARY}@example.com"})
    User.objects.create(username=CANARY)
    tracer = spans.provider.get_tracer("test")
    with tracer.start_as_current_span("register"), pytest.raises(IntegrityError):
        User.objects.create(username=CANARY)
    text = "\n".join(span.to_json() for span in spans.all())
    assert CANARY not in text
    assert "UniqueViolation" in text
    assert "secret-of-a-link" not in text
    assert "create orders.OrderCreated.v2" in text


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_standard_variables_switch_traces_on_and_off(env: dict[str, Any], expected: bool):
    assert telemetry.is_configured(env) is expected


def test_nothing_of_opentelemetry_is_imported_unless_it_is_asked_for():
    program = "import sys, django; django.setup(); print('opentelemetry' in sys.modules)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    for asked, expected in (({}, "False"), ({"OTEL_TRACES_EXPORTER": "console"}, "True")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**env, "DJANGO_SETTINGS_MODULE": "shop.settings", **asked},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == expected, done.stderr


def test_a_shop_without_opentelemetry_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr("shop.telemetry.apps.find_spec", lambda name: None)
    with pytest.raises(
        ImproperlyConfigured, match=r"pip install --require-hashes -r requirements-tracing\.txt"
    ):
        TelemetryConfig.ready(None)


def test_an_exporter_that_there_is_not_is_named(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(ImproperlyConfigured, match="OTEL_TRACES_EXPORTER=zipkin: give otlp, console or none"):
        exporting.start()
