"""Guarantees on RabbitMQ alone: foreign readers, dead-letter queue, unroutable events, order."""

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pika
import pytest
from celery import Celery
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_rabbitmq_event
from django.db import transaction
from pika.adapters.blocking_connection import BlockingChannel

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.bus.port import event_bus
from shop.messaging.contracts import cloudevents
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE
from shop.messaging.models import DeadLetter, OutboxEntry
from shop.messaging.outbox import append
from shop.messaging.publishing import stamp
from shop.messaging.relay import relay
from shop.messaging.signing.events import signed
from shop.settings import SHOP_EVENTS_PER_MESSAGE as BUNDLE
from tests.contracts.probe.events import ProbeNudged, ProbeSent
from tests.support.waiting import eventually

pytestmark = [pytest.mark.rabbitmq, pytest.mark.parametrize("broker_url", ["amqp"], indirect=True)]


@pytest.fixture
def channel(worker, broker_url) -> Iterator[BlockingChannel]:
    """AMQP channel of a program that shares no code with the shop."""
    url = urlsplit(broker_url)
    parameters = pika.ConnectionParameters(
        host=url.hostname,
        port=url.port,
        virtual_host=unquote(url.path.removeprefix("/")) or "/",
        credentials=pika.PlainCredentials(url.username, url.password),
    )
    connection = pika.BlockingConnection(parameters)
    yield connection.channel()
    connection.close()


def take(channel: BlockingChannel, queue: str, count: int, *, within: float = 15) -> list[tuple]:
    """Take ``count`` messages from a queue."""
    taken: list[tuple] = []
    deadline = time.monotonic() + within
    while len(taken) < count:
        assert time.monotonic() < deadline, f"only {len(taken)} of {count} messages within {within} s"
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method:
            taken.append((method, properties, body))
        else:
            time.sleep(0.02)
    return taken


def take_events(channel: BlockingChannel, queue: str, count: int) -> list[dict[str, Any]]:
    """Take messages from a queue until they have brought ``count`` events."""
    events: list[dict[str, Any]] = []
    while len(events) < count:
        [(_, properties, body)] = take(channel, queue, 1)
        parsed = json.loads(body)
        events += parsed if properties.content_type == "application/cloudevents-batch+json" else [parsed]
    return events


def own_queue(channel: BlockingChannel, routing_key: str) -> str:
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "shop.events", routing_key)
    return queue


def test_any_program_can_read_our_events(probe, channel):
    queue = own_queue(channel, "orders.#")
    [event] = probe.publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))

    [(method, properties, body)] = take(channel, queue, 1)
    read = from_rabbitmq_event(RabbitMQMessage(properties.headers or {}, properties.content_type, body))
    assert read.get_type() == method.routing_key == properties.type == "orders.OrderCancelled.v1"
    assert read.get_specversion() == "1.0"
    assert read.get_id() == properties.message_id == str(event.meta.id)
    assert read.get_source() == "/shop/orders"
    assert read.get_subject() == str(event.order_id)
    assert read.get_data() == {"order_id": str(event.order_id), "number": "ORD-1042", "reason": "customer"}
    assert properties.delivery_mode == 2, "persistent"


def test_neighbours_of_one_type_travel_in_one_message(probe, channel):
    queue = own_queue(channel, "tests.*.v1")
    sent = [ProbeSent(probe_id=uuid7(), number=number) for number in range(2 * BUNDLE + 1)]
    events = probe.publish(*sent, ProbeNudged(probe_id=uuid7()), ProbeSent(probe_id=uuid7()))

    messages = take(channel, queue, 5)
    kinds = [properties.content_type.removeprefix("application/") for _, properties, _ in messages]
    assert kinds == ["cloudevents-batch+json"] * 2 + ["cloudevents+json"] * 3
    bodies = [json.loads(body) for _, _, body in messages]
    assert [len(body) for body in bodies[:2]] == [BUNDLE, BUNDLE]
    told = [event["id"] for event in (*bodies[0], *bodies[1], *bodies[2:])]
    assert told == [str(event.meta.id) for event in events], "in the order in which they were published"
    assert messages[0][1].message_id == told[0]
    assert {properties.type for _, properties, _ in messages[:2]} == {"tests.ProbeSent.v1"}


def test_of_a_bundle_what_can_be_read_is_consumed(probe, channel):
    channel.queue_purge("tests.dead")
    good = [json.loads(signed_text(stamped(ProbeSent(probe_id=uuid7())))) for _ in range(3)]
    body = json.dumps([good[0], {"no": "CloudEvent"}, *good[1:]], indent=2).encode()
    channel.basic_publish("", "tests.events", body, pika.BasicProperties(content_type=BATCH_CONTENT_TYPE))

    [(_, _, dead)] = take(channel, "tests.dead", 1)
    assert dead == body
    assert all(probe.notes(UUID(event["subject"])) for event in good)
    assert json.loads(DeadLetter.objects.get().body) == {"no": "CloudEvent"}


def signed_text(event: ProbeSent) -> str:
    return signed(cloudevents.encode(event), event.meta.id, event.type)


def stamped(event: ProbeSent) -> ProbeSent:
    with transaction.atomic():
        return stamp(event)


def test_an_unreadable_message_is_kept_in_the_dead_letter_queue(probe, channel):
    channel.queue_purge("tests.dead")
    channel.basic_publish("", "tests.events", b"\xff not even text")

    [(_, properties, body)] = take(channel, "tests.dead", 1)
    assert body == b"\xff not even text"
    assert properties.headers["x-death"][0]["queue"] == "tests.events"
    eventually(lambda: DeadLetter.objects.filter(cause="unreadable").exists())
    assert "\\xff not even text" in DeadLetter.objects.get().body


def test_a_message_that_cannot_be_opened_is_kept_as_well_and_stops_nobody(probe, channel):
    channel.queue_purge("tests.dead")
    channel.basic_publish("", "tests.events", b"tea", pika.BasicProperties(headers={"compression": "bogus"}))
    events = probe.publish(*(ProbeSent(probe_id=uuid7()) for _ in range(20)))

    [(_, _, body)] = take(channel, "tests.dead", 1)
    assert body == b"tea"
    eventually(lambda: len(probe.notes()) == len(events))
    eventually(lambda: "cannot be opened" in DeadLetter.objects.get(cause="unreadable").error)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'"text"', b"null"])
def test_no_message_of_a_stranger_stops_the_worker(probe, channel, body):
    strange = pika.BasicProperties(headers={"x-attempts": "many", "x-delivery-count": [1]}, type="\u2615")
    channel.basic_publish("", "tests.events", body, strange)
    [event] = probe.publish(ProbeSent(probe_id=uuid7()))

    eventually(lambda: probe.notes(event.probe_id))
    eventually(lambda: DeadLetter.objects.filter(cause="unreadable").exists())


def test_an_event_that_no_queue_is_bound_to_is_an_alarm(probe):
    unheard = {uuid7() for _ in range(3)}  # in one message
    with transaction.atomic():
        for event_id in unheard:
            append.enqueue(
                message_id=event_id,
                aggregate_id=uuid7(),
                type="tests.Unheard.v1",
                queue="",
                body=json.dumps({"subject": str(uuid7())}),
                headers={},
            )

    letters = DeadLetter.objects.filter(cause="unroutable", type="tests.Unheard.v1")
    eventually(lambda: set(letters.values_list("event_id", flat=True)) == unheard)
    assert not OutboxEntry.objects.exists()


def test_a_queue_that_somebody_unbound_is_bound_again(channel, broker_url, monkeypatch):
    monkeypatch.setattr(relay, "REDECLARE_INTERVAL", 0.1)
    monkeypatch.setenv("CELERY_BROKER_URL", broker_url)
    channel.confirm_delivery()

    def is_routed() -> bool:
        try:
            channel.basic_publish("shop.events", "tests.ProbeNudged.v1", b"?", mandatory=True)
        except pika.exceptions.UnroutableError:
            return False
        return True

    with relaying():
        channel.queue_unbind("tests.events", "shop.events", "tests.ProbeNudged.v1")
        eventually(is_routed)


class StartedRelay(relay.Relay):
    """Relay that signals the end of its first declaration of the topology."""

    def __init__(self, app: Celery) -> None:
        super().__init__(app)
        self.has_started = threading.Event()

    def _relay(self, *args: Any) -> None:  # nothing public happens between declaration and relaying
        self.has_started.set()
        super()._relay(*args)


@contextmanager
def relaying() -> Iterator[None]:
    """Run a relay in a thread."""
    one = StartedRelay(Celery(set_as_current=False))
    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        assert one.has_started.wait(20)
        yield
    finally:
        one.stop()
        thread.join()


def test_events_of_an_aggregate_leave_in_the_order_of_their_commits(probe, channel):
    queue = own_queue(channel, "tests.ProbeSent.v1")
    probes = [uuid7() for _ in range(20)]
    for number in range(15):
        probe.publish(*(ProbeSent(probe_id=probe_id, number=number) for probe_id in probes))

    seen = defaultdict(list)
    for event in take_events(channel, queue, 300):
        seen[event["data"]["probe_id"]].append(event["data"]["number"])
    assert all(numbers == list(range(15)) for numbers in seen.values())


def test_the_relay_passes_over_nodes_that_are_dead_or_silent(broker_url, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # without a listener
        nodes = [f"amqp://{host}:{port}" for host, port in (dead.getsockname(), silent.getsockname())]
        monkeypatch.setenv("CELERY_BROKER_URL", ";".join([*nodes, broker_url]))
        bus = event_bus(Celery(set_as_current=False, broker_connection_timeout=3))
        with bus.publisher() as publisher:
            assert publisher.publish([]).confirmed == set()
