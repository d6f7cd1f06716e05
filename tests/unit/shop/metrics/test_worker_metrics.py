"""Metrics of a worker and its relay: what the kernel's signals say, as Prometheus reads it."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from shop.messaging.consuming.tally import Tally
from shop.metrics.exposition import Samples
from shop.metrics.worker import RelayNumbers, WorkerNumbers
from tests.support.metrics import samples

CONSUMER = "payments.when_order_created_charge_customer"


def exposed(numbers) -> dict:
    registry = CollectorRegistry()
    registry.register(Samples(numbers.samples))
    return samples(generate_latest(registry).decode())


@pytest.fixture
def worker():
    return WorkerNumbers({"payments"})


def test_a_consumer_shows_its_outcomes_from_the_start(worker):
    found = exposed(worker)
    assert found["messaging_client_consumed_messages_total", CONSUMER, "consumed"] == 0
    assert not any("orders." in label for key in found for label in key)


def test_a_run_adds_its_outcomes_duration_batch_and_critical_times(worker):
    worker.note(CONSUMER, events=5, seconds=0.2, tally=Tally.parse("2,1,0,0,1,7,30,2000"))
    found = exposed(worker)
    outcomes = {name: found["messaging_client_consumed_messages_total", CONSUMER, name] for name in OUTCOMES}
    assert outcomes == {"consumed": 2, "retried": 1, "deferred": 0, "held": 0, "dead": 1, "skipped": 1}
    assert found["shop_consumer_failed_tries_total", CONSUMER] == 7
    assert found["messaging_process_duration_seconds_sum", CONSUMER] == 0.2
    assert found["messaging_process_duration_seconds_bucket", CONSUMER, "0.25"] == 1
    assert found["messaging_process_duration_seconds_bucket", CONSUMER, "0.1"] == 0
    assert found["shop_consumer_batch_events_sum", CONSUMER] == 5
    assert found["shop_critical_time_seconds_count", CONSUMER] == 2
    assert found["shop_critical_time_seconds_sum", CONSUMER] == pytest.approx(2.03)


OUTCOMES = ("consumed", "retried", "deferred", "held", "dead", "skipped")


def test_a_run_without_a_result_counts_as_unfinished_alone(worker):
    worker.note(CONSUMER, events=5, seconds=None, tally=None)
    found = exposed(worker)
    assert found["shop_consumer_unfinished_runs_total", CONSUMER] == 1
    assert found["shop_consumer_batch_events_count", CONSUMER] == 0


def test_the_relay_shows_batches_and_pauses():
    relay = RelayNumbers()
    relay.note(entries=30, seconds=0.004)
    relay.note(entries=1, seconds=0.002)
    relay.note_pause()
    found = exposed(relay)
    assert found["messaging_client_sent_messages_total",] == 31
    assert found["messaging_client_operation_duration_seconds_bucket", "0.005", "send"] == 2
    assert found["shop_relay_batch_messages_bucket", "1.0"] == 1
    assert found["shop_relay_pauses_total",] == 1
