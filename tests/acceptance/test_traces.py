"""Spans of web, relay and pool processes reach a collector, and an order is one trace among them."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.deployment import Deployment
from tests.support.otlp_stand_in import Collector
from tests.support.servers import Broker

#: Milliseconds after which a process sends its spans.
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_METRICS_EXPORTER": "none"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.mark.parametrize("broker", ["embedded"], indirect=True)
def test_an_order_is_one_trace_from_the_request_to_the_parcel(
    broker: Broker, deploy: Callable[..., Deployment], collector: Collector
) -> None:
    with deploy(broker, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **SOON) as shop:
        order = shop.place_order()
        shop.wait_for_status([order], "delivered")
        shop.wait_until(lambda: collector.named("process orders.when_order_delivered_complete_it"))
        [(traceparent,)] = shop.rows(
            "select traceparent from messaging_eventrecord where aggregate_id = %s and sequence = 1", order
        )
        trace_id = bytes.fromhex(traceparent.split("-")[1])
        names = {span.name for span in collector.spans if span.trace_id == trace_id}
        shop.wait_until(lambda: collector.named("publish shop.events"))
        shop.audit()

    assert {
        "POST api/v1/orders",
        "create orders.OrderCreated.v2",
        "process payments.when_order_created_charge_customer",
        "call gateway.authorise",
        "process inventory.when_payment_processed_deduct_stock",
        "process shipping.when_inventory_updated_book_carrier",
    } <= names
    published = [link.trace_id for span in collector.named("publish shop.events") for link in span.links]
    assert trace_id in published
