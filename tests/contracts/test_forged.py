"""Messages that the shop did not send, put into a worker's queues by who may publish to the broker."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Celery
from django.db import transaction
from kombu import Producer, Queue

from shop.ids import uuid7
from shop.messaging.bus import task_signatures
from shop.messaging.bus.control import SignedControl
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.bus.topology import EVENTS
from shop.messaging.contracts import cloudevents
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch
from shop.messaging.dead_letters import replay_dead_letter
from shop.messaging.models import Circuit, DeadLetter, InboxEntry, ScheduledMessage
from shop.messaging.publishing import stamp
from shop.messaging.scheduling import schedule
from tests.contracts.probe.events import ProbeDue, ProbeNudged, ProbeSent
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("broker_url", ["amqp", "pgmq"], indirect=True)


class Stranger:
    """Program that may publish to the broker, and has no key."""

    def __init__(self, probe: Any) -> None:
        self._probe = probe

    def send(
        self, body: str | bytes, *, content_type: str = CONTENT_TYPE, exchange: Any = "", **more: Any
    ) -> None:
        key = json.loads(body)["type"] if exchange else "tests.events"
        self._publish(body, exchange=exchange, routing_key=key, content_type=content_type, **more)

    def send_task(self, name: str, *args: Any, **headers: Any) -> None:
        headers = {"task": name, "id": str(uuid7()), "lang": "py", "retries": 0, **headers}
        body = json.dumps([args, {}, None])
        self._publish(body, routing_key="tests", content_type="application/json", headers=headers)

    def _publish(self, body: str | bytes, **options: Any) -> None:
        with self._probe.broker() as connection, connection.channel() as channel:
            declare = [EVENTS] if options.get("exchange") else []
            Producer(channel).publish(body, content_encoding="utf-8", declare=declare, **options)


@pytest.fixture
def stranger(probe) -> Stranger:
    return Stranger(probe)


def text_of(event: Any) -> str:
    with transaction.atomic():
        return cloudevents.encode(event if event._meta else stamp(event))


def letters() -> list[tuple[str, str]]:
    return sorted(DeadLetter.objects.values_list("cause", "app"))


def test_a_forged_event_takes_no_effect_and_is_a_dead_letter_once(probe, stranger):
    forged = [ProbeSent(probe_id=uuid7()) for _ in range(3)]
    texts = [text_of(event) for event in forged]
    stranger.send(texts[0], exchange=EVENTS)
    stranger.send(encode_batch(texts[1:]), content_type=BATCH_CONTENT_TYPE)
    [genuine] = probe.publish(ProbeSent(probe_id=uuid7()))

    eventually(lambda: probe.notes(genuine.probe_id) and len(letters()) == 3)
    assert letters() == [("forged", "tests")] * 3
    assert not any(probe.notes(event.probe_id) for event in forged)
    assert InboxEntry.objects.count() == 1


def test_a_signature_taken_from_another_event_is_forged(probe, stranger):
    [event] = probe.publish(ProbeNudged(probe_id=uuid7()))
    text = Outgoing(1, event.meta.id, event.type, "", {}, cloudevents.encode(event)).signed_body
    other = uuid7()
    stranger.send(text.replace(str(event.probe_id), str(other)).replace(str(event.meta.id), str(uuid7())))

    eventually(lambda: letters() == [("forged", "tests")])
    assert probe.notes(other) == []


def test_messages_of_the_former_release_that_still_wait_are_consumed(probe, stranger):
    events = [ProbeSent(probe_id=uuid7()) for _ in range(5)]
    events = probe.publish(*events)
    eventually(lambda: len(probe.notes()) == 5)
    InboxEntry.objects.all().delete()  # as if only the copies below had been sent
    stranger.send(
        encode_batch([cloudevents.encode(event) for event in events]), content_type=BATCH_CONTENT_TYPE
    )

    eventually(lambda: len(probe.notes()) == 10)
    assert letters() == []


def test_timers_retries_and_dead_letters_of_the_former_release_are_signed_when_they_are_sent(probe):
    [failing] = probe.publish(ProbeSent(probe_id=uuid7(), behaviour="fail"))
    eventually(lambda: ScheduledMessage.objects.filter(message_id=failing.meta.id, attempts__gte=2).exists())
    [refused] = probe.publish(ProbeSent(probe_id=uuid7(), behaviour="refuse"))
    letter = eventually(DeadLetter.objects.first)
    replay_dead_letter(dead_letter_id=letter.pk, by="olga")
    eventually(lambda: DeadLetter.objects.filter(event_id=refused.meta.id).count() == 2)
    due = ProbeDue(probe_id=uuid7())
    with transaction.atomic():
        schedule(due, at=datetime.now(UTC))  # no log has it: the signature alone is its proof
    eventually(lambda: probe.notes(due.probe_id))
    assert {cause for cause, _ in letters()} == {"failed"}


@pytest.mark.parametrize(
    "change",
    [
        {"id": "0199b1d0-0000-7000-8000-00000000000\x00"},
        {"subject": "a\x00"},
        {"time": "x"},
        {"source": ["x"]},
    ],
    ids=["NUL in id", "NUL in subject", "time", "source"],
)
def test_a_crafted_envelope_is_a_dead_letter_and_blames_no_consumer(probe, stranger, change):
    [event] = probe.publish(ProbeSent(probe_id=uuid7()))
    crafted = json.loads(cloudevents.encode(event)) | change
    stranger.send(json.dumps(crafted))
    [live] = probe.publish(ProbeSent(probe_id=uuid7()))

    eventually(lambda: probe.notes(live.probe_id) and letters() == [("unreadable", "tests")])
    assert DeadLetter.objects.get().error_type == "InvalidMessage"
    assert not Circuit.objects.exists()
    assert not ScheduledMessage.objects.exists()


def test_a_malformed_traceparent_begins_a_new_trace(probe, stranger):
    [event] = probe.publish(ProbeSent(probe_id=uuid7()))
    eventually(lambda: probe.notes(event.probe_id))
    InboxEntry.objects.all().delete()
    stranger.send(json.dumps(json.loads(cloudevents.encode(event)) | {"traceparent": "x"}))

    eventually(lambda: len(probe.notes(event.probe_id)) == 2)
    assert letters() == []


def test_a_bundle_of_ten_thousand_is_a_dead_letter_once(probe, stranger):
    stranger.send(encode_batch(['{"a": 1}'] * 10_000), content_type=BATCH_CONTENT_TYPE)
    [live] = probe.publish(ProbeSent(probe_id=uuid7()))

    eventually(lambda: probe.notes(live.probe_id) and letters())
    assert letters() == [("unreadable", "tests")]
    assert "10000 events" in DeadLetter.objects.get().error


@pytest.mark.parametrize("depth", [100, 300, 1000, 1023, 1024, 5000])
def test_no_depth_of_nesting_stops_the_events_beside_it(probe, stranger, depth):
    with transaction.atomic():
        event = json.loads(text_of(ProbeSent(probe_id=uuid7())))
    text = json.dumps(event | {"data": 0})[:-2] + "[" * depth + "]" * depth + "}"
    good = probe.publish(*(ProbeSent(probe_id=uuid7()) for _ in range(3)))
    stranger.send(text)

    eventually(lambda: len(probe.notes()) == len(good) and letters())
    assert letters() == [("unreadable", "tests")]


def test_a_compressed_message_is_not_opened(probe, stranger):
    body = b" " * 50_000_000
    stranger.send(body, compression="zlib")
    [live] = probe.publish(ProbeSent(probe_id=uuid7()))

    eventually(lambda: probe.notes(live.probe_id) and letters() == [("unreadable", "tests")])
    assert "cannot be opened" in DeadLetter.objects.get().error


def test_a_forged_task_does_not_run(probe, stranger):
    InboxEntry.objects.create(event_id=uuid7(), consumer="old", consumed_at="2020-01-01T00:00:00Z")
    stranger.send_task("messaging.prune_inbox")
    stranger.send_task("messaging.prune_inbox", shopsignature="00000000." + "0" * 64)

    eventually(lambda: len(letters()) == 2)
    assert letters() == [("forged", "tests")] * 2
    assert InboxEntry.objects.filter(consumer="old").exists()


def test_a_task_of_the_shop_runs(probe):
    InboxEntry.objects.create(event_id=uuid7(), consumer="old", consumed_at="2020-01-01T00:00:00Z")
    send_task(probe, "messaging.prune_inbox")

    eventually(lambda: not InboxEntry.objects.filter(consumer="old").exists())
    assert letters() == []


def test_the_signature_of_one_task_is_of_no_use_for_another(probe, stranger):
    InboxEntry.objects.create(event_id=uuid7(), consumer="old", consumed_at="2020-01-01T00:00:00Z")
    headers = {"id": str(uuid7()), "task": "messaging.prune_results"}
    task_signatures.sign(([], {}, None), headers)
    stranger.send_task("messaging.prune_inbox", id=headers["id"], shopsignature=headers["shopsignature"])

    eventually(lambda: letters() == [("forged", "tests")])
    assert InboxEntry.objects.filter(consumer="old").exists()


def test_no_consumer_runs_by_a_task_message_not_even_by_a_signed_one(probe, stranger):
    probe_id = uuid7()
    deliveries = f"[[{text_of(ProbeSent(probe_id=probe_id))}],[{{}}]]"
    stranger.send_task("tests.when_probe_sent_note_it", deliveries)
    send_task(probe, "tests.when_probe_sent_note_it", deliveries)

    eventually(lambda: len(letters()) == 2)
    assert letters() == [("forged", "tests")] * 2
    assert probe.notes(probe_id) == []


def test_a_forged_timer_does_not_fire(probe, stranger):
    due = ProbeDue(probe_id=uuid7())
    stranger.send(text_of(due))

    eventually(lambda: letters() == [("forged", "tests")])
    assert probe.notes(due.probe_id) == []


def test_a_forged_control_command_stops_no_worker(probe, worker, monkeypatch):
    if not probe.is_amqp:
        pytest.skip("without remote control")
    with probe.broker() as connection, connection.channel() as channel:
        forged = {"method": "shutdown", "arguments": {}, "destination": None, "reply_to": None, "ticket": "x"}
        Producer(channel).publish(forged, exchange="celery.pidbox", serializer="json")
    monkeypatch.setenv("CELERY_BROKER_URL", probe.broker_url)
    remote = Celery(set_as_current=False, control=SignedControl)

    assert eventually(lambda: remote.control.ping(timeout=1)), "commands of the shop are obeyed"
    remote.pool.force_close_all()
    assert worker.poll() is None


def send_task(probe: Any, name: str, *args: Any) -> None:
    """Send a task as the shop's processes do."""
    app = Celery(set_as_current=False)
    with probe.broker() as connection:
        app.send_task(name, args, connection=connection, queue=Queue("tests", no_declare=True))
