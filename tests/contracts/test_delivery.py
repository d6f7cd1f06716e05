"""Delivery guarantees of messaging, on RabbitMQ, on pgmq and in memory."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from shop.ids import uuid7
from shop.messaging.consuming import pauses
from shop.messaging.contracts import cloudevents
from shop.messaging.dead_letters import replay_dead_letter
from shop.messaging.models import Circuit, DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from shop.messaging.outbox import append
from shop.messaging.scheduling import schedule
from shop.settings import SHOP_EVENTS_PER_MESSAGE as BUNDLE
from tests.contracts.probe.events import ProbeDue, ProbeNudged, ProbeSent
from tests.support.waiting import eventually

SENT_CONSUMER = "tests.when_probe_sent_note_it"


def sent(behaviour: str = "note", number: int = 0) -> ProbeSent:
    return ProbeSent(probe_id=uuid7(), behaviour=behaviour, number=number)


def test_an_event_reaches_its_consumer_and_leaves_the_outbox(probe):
    [event] = probe.publish(sent())

    eventually(lambda: probe.notes(event.probe_id))
    eventually(lambda: not OutboxEntry.objects.exists())
    assert InboxEntry.objects.get(event_id=event.meta.id).consumer == SENT_CONSUMER


def test_what_is_ready_is_consumed_together(probe):
    events = probe.publish(*(sent(number=n) for n in range(500)))

    eventually(lambda: len(probe.notes()) == len(events))
    assert max(size for _, size in probe.notes()) > 1
    assert len({event.probe_id for event in events}) == InboxEntry.objects.count()


def test_a_failing_event_is_retried_later_and_holds_nobody_up(probe):
    *good, bad = probe.publish(*(sent() for _ in range(20)), sent("fail"))

    eventually(lambda: len(probe.notes()) == len(good))
    retry = eventually(ScheduledMessage.objects.filter(message_id=bad.meta.id).first)
    assert retry.kind == "retry"
    assert retry.attempts >= 1
    assert "this probe always fails" in retry.last_error
    assert not InboxEntry.objects.filter(event_id=bad.meta.id).exists()


def test_attempts_are_counted_from_delivery_to_delivery(probe):
    [bad] = probe.publish(sent("fail"))
    attempts = ScheduledMessage.objects.filter(message_id=bad.meta.id, attempts__gte=2)

    eventually(attempts.exists)


def test_a_permanent_failure_is_a_dead_letter_at_once_and_can_be_replayed(probe):
    event, *good = probe.publish(sent("refuse"), *(sent() for _ in range(5)))

    eventually(DeadLetter.objects.exists)
    eventually(lambda: len(probe.notes()) == len(good))
    letter = DeadLetter.objects.get()
    assert (letter.consumer, letter.event_id, letter.cause) == (SENT_CONSUMER, event.meta.id, "failed")
    assert "can never be consumed" in letter.error
    assert "when_probe_sent_note_it" in letter.traceback

    replay_dead_letter(dead_letter_id=letter.pk, by="olga")
    eventually(lambda: DeadLetter.objects.filter(status="open").exists())
    assert DeadLetter.objects.get(pk=letter.pk).status == "replayed"


def test_a_consumer_paused_by_hand_waits_with_its_events_and_loses_none(probe):
    pauses.pause(SENT_CONSUMER, by="olga", reason="a test")

    def held(events):
        ids = [event.meta.id for event in events]
        return ScheduledMessage.objects.filter(kind="held", message_id__in=ids).count()

    def a_batch_that_waits():
        events = probe.publish(*(sent() for _ in range(5)))
        eventually(lambda: held(events) + sum(bool(probe.notes(one.probe_id)) for one in events) == 5)
        return events if held(events) == 5 else None  # a process hears of the pause within a second

    events = eventually(a_batch_that_waits)
    [other] = probe.publish(ProbeNudged(probe_id=uuid7()))
    eventually(lambda: probe.notes(other.probe_id))
    assert held(events) == 5

    pauses.resume(SENT_CONSUMER)
    eventually(lambda: all(probe.notes(one.probe_id) for one in events))
    eventually(lambda: not Circuit.objects.exists())
    assert not DeadLetter.objects.exists()


def test_an_event_that_comes_too_early_waits_for_its_predecessor(probe):
    [early] = probe.publish(sent("too_early"))
    eventually(lambda: ScheduledMessage.objects.filter(kind="parked").exists())

    probe.publish(ProbeNudged(probe_id=early.probe_id))
    eventually(lambda: len(probe.notes(early.probe_id)) == 2)
    assert not DeadLetter.objects.exists()


def test_a_reminder_comes_when_it_is_due(probe):
    soon, late = uuid7(), uuid7()
    with transaction.atomic():
        schedule(ProbeDue(probe_id=soon), at=datetime.now(UTC) + timedelta(seconds=0.5))
        schedule(ProbeDue(probe_id=late), at=datetime.now(UTC) + timedelta(hours=1))

    eventually(lambda: probe.notes(soon))
    assert probe.notes(late) == []


def test_an_event_delivered_twice_takes_effect_once(probe):
    [event] = probe.publish(sent())
    eventually(lambda: probe.notes(event.probe_id))
    with transaction.atomic():
        for _ in range(3):
            append.enqueue(
                message_id=event.meta.id,
                aggregate_id=event.probe_id,
                type=event.type,
                queue="tests.events",
                body=cloudevents.encode(event),
                headers={},
            )
    [marker] = probe.publish(sent())

    eventually(lambda: probe.notes(marker.probe_id))
    eventually(lambda: not OutboxEntry.objects.exists())
    assert len(probe.notes(event.probe_id)) == 1


def test_an_event_that_kills_its_worker_is_a_dead_letter_and_the_others_are_consumed(probe):
    killer, *good = probe.publish(sent("crash"), *(sent() for _ in range(BUNDLE)))

    eventually(DeadLetter.objects.exists, within=60)
    letter = DeadLetter.objects.get()
    assert (letter.cause, letter.consumer, letter.event_id) == ("crashed", SENT_CONSUMER, killer.meta.id)
    assert (letter.error_type, letter.attempts) == ("WorkerLost", 3)
    eventually(lambda: len(probe.notes()) == len(good))


POISON = {
    "bad JSON": '{"specversion": "1.0", broken',
    "no CloudEvent": '{"hello": "world"}',
    "unknown type": '{"specversion": "1.0", "id": "1", "source": "/x", "type": "tests.Nothing.v1"}',
    "schema violation": '{"specversion": "1.0", "id": "0199b1d0-0000-7000-8000-000000000001", "source": "/x",'
    ' "type": "tests.ProbeSent.v1", "time": "2026-12-24T12:00:00Z", "data": {"probe_id": "no uuid"}}',
}


def test_poison_ends_as_dead_letters_while_the_others_flow(probe):
    with transaction.atomic():
        for body in POISON.values():
            append.enqueue(
                message_id=uuid7(),
                aggregate_id=uuid7(),
                type=ProbeSent.type,
                queue="tests.events",
                body=body,
                headers={},
            )
    events = probe.publish(*(sent() for _ in range(10)))

    eventually(lambda: len(probe.notes()) == len(events))
    eventually(lambda: DeadLetter.objects.count() == len(POISON))
    for problem in ("the body is no JSON", "specversion", "does not consume", "does not fit the schema"):
        assert DeadLetter.objects.filter(cause="unreadable", error__contains=problem).count() == 1
    assert not ScheduledMessage.objects.exists(), "poison is not retried"
