"""Events without a signature: taken only if the log has them."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shop.ids import uuid7
from shop.messaging.consuming import failures, runner
from shop.messaging.consuming.envelope import UNSIGNED
from shop.messaging.contracts import Event, cloudevents
from shop.messaging.models import DeadLetter, ScheduledMessage
from tests.contracts.probe.events import ProbeDue, ProbeNudged, ProbeSent
from tests.unit.shop.messaging.support import a_consumer, published

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver:
    """Consumer that remembers what it took."""

    def __init__(self, event: type[Event] = ProbeSent) -> None:
        self.taken: list[Event] = []
        self.consumer = a_consumer(self.taken.append, event=event)

    def receive(self, *bodies: dict, **headers: int) -> None:
        runner.run(self.consumer, list(bodies), [headers] * len(bodies))


def body_of(event: Event) -> dict:
    return json.loads(cloudevents.encode(event))


def forged() -> list[tuple[str, str]]:
    return list(DeadLetter.objects.values_list("cause", "error_type"))


def test_an_unsigned_event_that_the_log_has_is_consumed():
    events, receiver = published(3), Receiver()
    receiver.receive(*map(body_of, events), **{UNSIGNED: 1})
    assert receiver.taken == events
    assert forged() == []


@pytest.mark.parametrize(
    "change",
    [
        {"id": str(uuid7())},
        {"data": {"probe_id": str(uuid7()), "behaviour": "note", "number": 0}},
        {"data": {"probe_id": None}},
        {"data": None},
        {"type": ProbeNudged.type},
        {"type": "tests.Unheard.v1"},
    ],
    ids=["id", "data", "no data", "null", "type", "unknown type"],
)
def test_an_unsigned_event_that_differs_from_the_log_is_forged(change):
    [event], receiver = published(), Receiver()
    receiver.receive(body_of(event) | change, **{UNSIGNED: 1})
    assert receiver.taken == []
    assert forged() == [("forged", "Forged")]
    assert not ScheduledMessage.objects.exists()


def test_true_is_not_one():
    [event], receiver = published(), Receiver()
    body = body_of(event)
    body["data"]["number"] = False
    receiver.receive(body, **{UNSIGNED: 1})
    assert forged() == [("forged", "Forged")]


def test_a_forged_event_holds_up_none_that_came_with_it():
    events, receiver = published(5), Receiver()
    bodies = [body_of(event) for event in events]
    receiver.receive(bodies[0] | {"id": str(uuid7())}, *bodies, **{UNSIGNED: 1})
    assert receiver.taken == events
    assert len(forged()) == 1


def test_a_dead_letter_of_a_forged_event_stands_for_no_event_of_the_log():
    [event], receiver = published(), Receiver()
    body = body_of(event)
    body["data"]["number"] = 7
    receiver.receive(body, **{UNSIGNED: 1})
    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.aggregate_id) == (None, None)
    receiver.receive(body_of(event))
    assert receiver.taken == [event]


def test_unsigned_events_cost_one_statement_a_run_and_signed_ones_none():
    counts = []
    for header in ({}, {UNSIGNED: 1}):
        bodies = [body_of(event) for event in published(20)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            Receiver().receive(*bodies, **header)
        counts.append(len(queries))
    assert counts[1] == counts[0] + 1


def test_a_timer_without_a_signature_is_taken_during_an_upgrade_alone(settings):
    body = {"specversion": "1.0", "id": str(uuid7()), "source": "/shop/tests", "type": ProbeDue.type}
    body |= {"time": "2026-11-28T12:00:00Z", "data": {"probe_id": str(uuid7())}}
    receiver = Receiver(ProbeDue)
    receiver.receive(body, **{UNSIGNED: 1})
    assert receiver.taken == []
    assert forged() == [("forged", "Forged")]
    settings.SHOP_ACCEPT_UNSIGNED = True
    receiver.receive(body, **{UNSIGNED: 1})
    assert len(receiver.taken) == 1


def test_the_setting_of_an_upgrade_lets_no_fact_through(settings):
    settings.SHOP_ACCEPT_UNSIGNED = True
    [event], receiver = published(), Receiver()
    receiver.receive(body_of(event) | {"id": str(uuid7())}, **{UNSIGNED: 1})
    assert receiver.taken == []


def test_a_retry_is_kept_without_the_signature_of_its_delivery():
    def fail(event: ProbeSent) -> None:
        raise ValueError("not now")

    [event] = published()
    runner.run(a_consumer(fail), [body_of(event) | {"shopsignature": "k.s"}], [{}])
    assert "shopsignature" not in ScheduledMessage.objects.get().body


def test_it_is_logged_as_an_error_without_what_it_says(caplog):
    failures.dead_letter_forged(app="payments", body='{"data": {"name": "Alice Liddell"}}')
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "payments: a forged message" in record.getMessage()
    assert "Alice" not in caplog.text
