"""Bundles: messages with several events, each acknowledged, requeued or rejected once."""

import json
from collections import defaultdict
from types import SimpleNamespace
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError

from shop.messaging.bus.confirms import ConfirmingPublisher
from shop.messaging.bus.outgoing import Outgoing, bundled
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch, parse_batch
from shop.messaging.errors import InvalidMessage, UnknownEventType
from shop.messaging.relay.step import RELAY_QUEUE, RelayStep
from shop.messaging.worker import bridge
from shop.messaging.worker.incoming import DEAD_LETTER_TASK
from tests.unit.shop.messaging.worker.doubles import PAID, SHIPPED, Channel, Message, event


def outgoing(number: int, type_: str = PAID, queue: str = "", **headers: int) -> Outgoing:
    return Outgoing(number, UUID(int=number), type_, queue, headers, "{}")


def test_neighbours_of_a_type_are_bundled_and_stay_in_order():
    batch = [outgoing(n, PAID if n < 25 or n == 26 else SHIPPED) for n in range(30)]
    bundles = list(bundled(batch, 10))
    assert [len(bundle) for bundle in bundles] == [10, 10, 5, 1, 1, 3]
    assert [message for bundle in bundles for message in bundle] == batch
    assert all(len({message.type for message in bundle}) == 1 for bundle in bundles)


def test_what_is_sent_again_or_to_one_queue_goes_alone():
    batch = [outgoing(1, queue="orders.events"), outgoing(2, queue="orders.events")]
    batch += [outgoing(n, **{"x-attempts": 1}) for n in (3, 4)]
    assert [len(bundle) for bundle in bundled(batch, 10)] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("setting", "messages"),
    [(1, [CONTENT_TYPE] * 5), (2, [BATCH_CONTENT_TYPE] * 2 + [CONTENT_TYPE]), (100, [BATCH_CONTENT_TYPE])],
)
def test_the_setting_says_how_many_events_share_a_message(settings, setting, messages):
    def confirm_all(timeout: float) -> None:
        for on_ack in channel.events["basic_ack"]:
            on_ack(len(messages), True)

    settings.SHOP_EVENTS_PER_MESSAGE = setting
    channel = MagicMock(events=defaultdict(set))
    channel.connection.drain_events = confirm_all
    ConfirmingPublisher(SimpleNamespace(channel=lambda: channel)).publish([outgoing(n) for n in range(5)])
    prepared = [call.kwargs["content_type"] for call in channel.prepare_message.call_args_list]
    assert prepared == messages


@pytest.mark.parametrize(("setting", "errors"), [(0, 1), (1, 0), (100, 0), (101, 1)])
def test_a_setting_that_cannot_be_is_refused(settings, setting, errors):
    settings.SHOP_EVENTS_PER_MESSAGE = setting
    found = run_checks(tags=["messaging"])
    assert [error.id for error in found] == ["messaging.E003"] * errors


def test_no_relay_starts_with_such_a_setting(settings):
    queues = SimpleNamespace(consume_from={RELAY_QUEUE: None})
    worker = SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues)))
    RelayStep(worker)
    settings.SHOP_EVENTS_PER_MESSAGE = 0
    with pytest.raises(SystemCheckError, match="cannot put 0 events"):
        RelayStep(worker)


EVENTS = [{"id": "1", "data": {"text": "with a\nbreak,\n and more"}}, {"id": "2", "data": [{}, {}]}]


@pytest.mark.parametrize(
    "text",
    [
        encode_batch([json.dumps(event) for event in EVENTS]),
        json.dumps(EVENTS),
        json.dumps(EVENTS, indent=1),
        json.dumps(EVENTS).replace(", {}", ",\n{}"),
    ],
    ids=["as written here", "in a line", "indented", "with the separator inside"],
)
def test_a_batch_is_read_however_it_is_written(text):
    parsed = parse_batch(text)
    assert [event for event, _ in parsed] == EVENTS
    assert [json.loads(source) for _, source in parsed] == EVENTS


@pytest.mark.parametrize("text", ["", "[]", "{}", "[{]", '{"a": 1},\n{"b": 2}'])
def test_what_is_no_batch_is_an_error(text):
    with pytest.raises(ValueError, match=r"line 1 column|batch"):
        parse_batch(text)


def test_each_event_of_a_bundle_finds_its_consumer_or_says_why_not():
    events = [event(), event("x.Y.v1"), {"a": 1}]
    identified = bridge.identify("orders", Message(Channel(), 1, *events))
    assert [one.consumer and one.consumer.event.type for one in identified] == [PAID, None, None]
    assert [type(one.problem) for one in identified] == [type(None), UnknownEventType, InvalidMessage]
    assert [json.loads(one.text) for one in identified] == events
    assert len({one.message for one in identified}) == 1


def test_a_bundle_that_came_back_often_runs_event_by_event():
    message = Message(Channel(), 1, event(), event(), **{"x-delivery-count": bridge.SUSPECT_DELIVERIES - 1})
    assert all(one.alone for one in bridge.identify("orders", message))


def test_a_bundle_is_acknowledged_once_all_its_events_are_consumed(celery, dispatcher):
    channel, many = Channel(), 110  # payments charges 100 at a time
    celery.deliver(dispatcher, Message(channel, 7, *[event("orders.OrderCreated.v1") for _ in range(many)]))
    (_, first, ack, _), (_, second, ack_rest, _) = celery.started
    assert (first, second) == (100, 10)

    ack()
    assert channel.settled == []
    ack_rest()
    assert channel.settled == [("ack", 7)]


@pytest.mark.parametrize("concurrency", [1])
def test_a_bundle_that_is_given_back_is_not_acknowledged_as_well(celery, dispatcher):
    channel = Channel()
    celery.deliver(dispatcher, Message(channel, 7, *[event("orders.OrderCreated.v1") for _ in range(110)]))
    [(_, _, ack, _)] = celery.started

    dispatcher.close()
    assert channel.settled == [("requeue", 7)]
    ack()
    assert channel.settled == [("requeue", 7)]


def test_of_a_bundle_that_is_tried_again_the_rest_is_done(celery, dispatcher):
    channel = Channel()
    celery.deliver(dispatcher, Message(channel, 7, *[event("orders.OrderCreated.v1") for _ in range(110)]))
    (_, _, _, reject), (_, _, ack, _) = celery.started

    ack()
    reject()
    assert channel.settled == []
    celery.fire_timers()
    celery.hub.run_once()
    for _, _, ack_again, _ in (again := celery.started[2:]):
        assert channel.settled == []
        ack_again()
        celery.hub.run_once()
        again += celery.started[2 + len(again) :]
    assert channel.settled == [("ack", 7)]


def test_a_bundle_with_a_dead_letter_is_rejected_once_the_others_are_consumed(celery, dispatcher):
    channel = Channel()
    celery.deliver(dispatcher, Message(channel, 7, event("orders.OrderCreated.v1"), {"no": "CloudEvent"}))
    by_task = {task: ack for task, _, ack, _ in celery.started}

    by_task.pop(DEAD_LETTER_TASK)()
    assert channel.settled == []
    for ack in by_task.values():
        ack()
    assert channel.settled == [("reject", 7)]
