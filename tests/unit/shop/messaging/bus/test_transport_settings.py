"""Celery settings for each kind of broker."""

import pytest
from django.conf import settings
from kombu.utils.imports import symbol_by_name

from shop.messaging.bus.transport_settings import task_queue, transport_settings

CLUSTER = "amqp://one/shop;amqp://two/shop"


def test_a_task_queue_does_not_die_with_its_node():
    assert task_queue("orders", CLUSTER)["queue_arguments"]["x-queue-type"] == "quorum"


@pytest.mark.parametrize("url", ["pgmq://postgres@127.0.0.1/broker", "memory://"])
def test_only_rabbitmq_is_told_the_type_of_a_queue(url):
    assert "queue_arguments" not in task_queue("orders", url)


def test_no_wait_for_rabbitmq_is_without_end():
    options = transport_settings(CLUSTER)["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert options["read_timeout"] > 0
    assert options["write_timeout"] > 0


def test_workers_declare_no_chain_of_delaying_queues():
    steps = symbol_by_name(settings.CELERY_WORKER_CONSUMER).Blueprint.default_steps
    assert "celery.worker.consumer.tasks:Tasks" in steps
    assert not [step for step in steps if "DelayedDelivery" in step]
