"""Celery's requests of batches: only what has run is acknowledged."""

from unittest.mock import Mock

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated
from celery.exceptions import Reject

from shop.celery import app
from shop.messaging.consuming import consumers
from shop.messaging.signals import consumer_ran
from shop.messaging.worker.batch import Batch, DeliveryRequest, TaskMessage
from shop.messaging.worker.incoming import DEAD_LETTER_TASK, IncomingEvent, IncomingMessage
from tests.unit.shop.messaging.worker.doubles import Channel, Message, event


@pytest.fixture
def batch() -> Batch:
    message = IncomingMessage(Message(Channel(), 1, event()), 1)
    return Batch(DEAD_LETTER_TASK, [IncomingEvent(message, "tests", "{}", None, {}, ValueError("poison"))])


def request_of(batch: Batch) -> tuple[DeliveryRequest, Mock, Mock]:
    message, acknowledge, reject = TaskMessage(batch), Mock(), Mock()
    request = DeliveryRequest(
        message,
        app=app,
        on_ack=acknowledge,
        on_reject=reject,
        task=app.tasks[batch.task],
        body=((), {}, {}),
        headers=message.headers,
        decoded=True,
        eventer=None,
    )
    return request, acknowledge, reject


@pytest.mark.parametrize("error", [Terminated(15), Reject("later", requeue=True)])
def test_what_was_terminated_or_rejected_runs_again_and_counts_as_no_crash(batch, error):
    request, acknowledge, reject = request_of(batch)
    try:
        raise error
    except type(error):
        request.on_failure(ExceptionInfo())

    acknowledge.assert_not_called()
    reject.assert_called_once()
    assert batch.was_rejected


def test_a_run_that_came_to_no_result_is_reported_without_a_tally():
    reported = Mock()
    consumer_ran.connect(reported)
    message = IncomingMessage(Message(Channel(), 1, event()), 1)
    [consumer] = [one for one in consumers() if one.name == "payments.when_order_created_charge_customer"]
    batch = Batch(consumer.name, [IncomingEvent(message, "payments", "{}", consumer, {})])
    request, _, _ = request_of(batch)
    try:
        raise Terminated(9)
    except Terminated:
        request.on_failure(ExceptionInfo())

    [((), told)] = reported.call_args_list
    assert (told["sender"], told["events"], told["tally"]) == (consumer.name, 1, None)
