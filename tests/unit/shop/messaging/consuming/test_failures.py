"""Retries: at once, then later with attempts counted in the database, in the end a dead letter."""

import json

import pytest

from shop.messaging.consuming import Consumer, envelope, failures, runner
from shop.messaging.contracts import Event
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from tests.contracts.probe.events import ProbeSent
from tests.support.inprocess import promote_due
from tests.unit.shop.messaging.support import a_consumer, published, run

pytestmark = pytest.mark.django_db(transaction=True)


def failing(times: int, calls: list[Event]) -> Consumer:
    """Return a consumer that fails ``times`` times, and then succeeds."""

    def handler(event: ProbeSent) -> None:
        calls.append(event)
        if len(calls) <= times:
            raise ValueError(f"failure {len(calls)}")

    return a_consumer(handler)


def test_a_hiccup_is_over_before_anything_is_put_aside():
    calls: list[Event] = []
    run(failing(runner.IMMEDIATE_TRIES - 1, calls), published())
    assert len(calls) == runner.IMMEDIATE_TRIES
    assert InboxEntry.objects.count() == 1
    assert not ScheduledMessage.objects.exists()


def test_what_fails_time_and_again_is_tried_at_once_and_then_later():
    calls: list[Event] = []
    run(failing(99, calls), published())
    assert len(calls) == runner.IMMEDIATE_TRIES
    retry = ScheduledMessage.objects.get()
    assert (retry.kind, retry.attempts) == ("retry", 1)
    assert retry.last_error == f"ValueError: failure {runner.IMMEDIATE_TRIES}"


def test_attempts_are_counted_from_worker_to_worker():
    calls: list[Event] = []
    [event] = published()
    OutboxEntry.objects.all().delete()
    run(failing(99, calls), [event])
    for attempts in (1, 2, 3):
        ScheduledMessage.objects.update(due_at="2026-01-01T00:00Z")
        promote_due()
        [entry] = OutboxEntry.objects.all()
        assert entry.headers["x-attempts"] == attempts
        entry.delete()
        another_worker = failing(99, calls)
        runner.run(another_worker, [json.loads(entry.body)], [entry.headers])
    assert ScheduledMessage.objects.get().attempts == 4


def test_a_copy_that_comes_again_takes_no_attempt_back():
    """A killed worker's bundles are redelivered, with events that have failed since."""
    [event] = published()
    run(failing(99, []), [event], {envelope.ATTEMPTS: 4})
    run(failing(99, []), [event])
    assert ScheduledMessage.objects.get().attempts == 5


@pytest.mark.parametrize("attempts", [0, failures.MAX_ATTEMPTS - 1])
def test_what_is_said_of_a_failure_is_kept_whatever_is_in_it(attempts: int):
    def handler(event: ProbeSent) -> None:
        raise ValueError("no \x00 in PostgreSQL")

    run(a_consumer(handler), published(), {envelope.ATTEMPTS: attempts})
    errors = {message.last_error for message in ScheduledMessage.objects.all()}
    errors |= {f"{letter.error_type}: {letter.error}" for letter in DeadLetter.objects.all()}
    assert errors == {"ValueError: no \\x00 in PostgreSQL"}


def test_what_does_not_fit_its_schema_is_not_tried_again():
    calls: list[Event] = []
    body = {"specversion": "1.0", "id": "1", "source": "/till", "type": ProbeSent.type, "data": {}}
    runner.run(failing(0, calls), [body], [{}])
    letter = DeadLetter.objects.get()
    assert (letter.cause, letter.error_type, letter.type) == ("unreadable", "InvalidMessage", ProbeSent.type)
    assert calls == []
    assert not ScheduledMessage.objects.exists()


def test_a_dead_letter_keeps_event_consumer_exception_stack_and_attempts():
    [event] = published()
    run(failing(99, []), [event], {envelope.ATTEMPTS: failures.MAX_ATTEMPTS - 1})
    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.aggregate_id, letter.type) == (event.meta.id, event.probe_id, event.type)
    assert json.loads(letter.body)["data"]["probe_id"] == str(event.probe_id)
    assert letter.consumer == "tests.when_probe_sent_try"
    assert (letter.error_type, letter.error) == ("ValueError", "failure 3")
    assert 'raise ValueError(f"failure {len(calls)}")' in letter.traceback
    assert letter.attempts == failures.MAX_ATTEMPTS
