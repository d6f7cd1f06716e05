"""Runner of consumers: outages, split batches, undeclared events and deferrals."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from psycopg import errors as postgres

from shop.messaging import database_errors
from shop.messaging.consuming import envelope, failures, runner
from shop.messaging.dead_letters import tasks
from shop.messaging.errors import TooEarly, UndeclaredEvent
from shop.messaging.models import DeadLetter, EventRecord, InboxEntry, ScheduledMessage
from shop.messaging.publishing import publish, unit_of_work
from tests.contracts.probe.events import ProbeNudged, ProbeSent
from tests.unit.shop.messaging.support import a_consumer, published, run

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_database_outage_is_waited_for_and_burns_no_attempt():
    calls = []

    def handler(event: ProbeSent) -> None:
        calls.append(event)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")

    [event] = published()
    run(a_consumer(handler), [event])
    assert len(calls) == 2
    assert InboxEntry.objects.filter(event_id=event.meta.id).exists()
    assert not ScheduledMessage.objects.exists()


def test_a_run_replaces_a_connection_that_was_lost_in_a_transaction_nobody_ended(monkeypatch):
    monkeypatch.setattr(runner, "OUTAGE_TIMEOUT", 1)
    [event] = published()
    connection.connection.close()
    connection.in_atomic_block = connection.closed_in_transaction = True

    run(a_consumer(lambda event: None), [event])
    assert InboxEntry.objects.filter(event_id=event.meta.id).exists()


@pytest.fixture
def read_only_session():
    """Return a function that turns the session read-only, and close the session afterwards."""

    def turn() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    yield turn
    connection.close()


def test_a_session_that_turned_read_only_is_replaced_and_burns_no_attempt(read_only_session):
    [event] = published()
    read_only_session()

    run(a_consumer(lambda event: None), [event])
    assert InboxEntry.objects.filter(event_id=event.meta.id).exists()
    assert not ScheduledMessage.objects.exists()


@pytest.mark.parametrize(
    ("cause", "outage"),
    [
        (postgres.AdminShutdown(), True),
        (postgres.TooManyConnections(), True),
        (postgres.DeadlockDetected(), False),
    ],
)
def test_an_outage_is_told_from_a_refusal(cause, outage):
    error = OperationalError("x")
    error.__cause__ = cause
    assert database_errors.is_outage(error) is outage


def test_the_culprit_of_a_batch_is_isolated():
    def handler(event: ProbeSent) -> None:
        if event.number == 3:
            raise ValueError("three is bad")

    events = published(5)
    run(a_consumer(handler), events)
    assert InboxEntry.objects.count() == 4
    assert ScheduledMessage.objects.get().message_id == events[3].meta.id


def test_effects_of_a_failed_run_are_undone():
    def handler(event: ProbeSent) -> None:
        publish(ProbeNudged(probe_id=event.probe_id))
        raise ValueError("after publishing")

    run(a_consumer(handler, emits=(ProbeNudged,)), published())
    assert not EventRecord.objects.filter(type=ProbeNudged.type).exists()
    assert not InboxEntry.objects.exists()


def test_publishing_an_undeclared_event_is_an_error():
    caught = []

    def handler(event: ProbeSent) -> None:
        try:
            publish(ProbeNudged(probe_id=event.probe_id))
        except UndeclaredEvent as error:
            caught.append(str(error))

    run(a_consumer(handler), published())
    assert "does not declare emits=ProbeNudged" in caught[0]


def test_what_a_consumer_publishes_names_its_cause():
    def handler(event: ProbeSent) -> None:
        publish(ProbeNudged(probe_id=event.probe_id))

    events = published(3)
    run(a_consumer(handler, emits=(ProbeNudged,)), events)
    for event in events:
        record = EventRecord.objects.get(type=ProbeNudged.type, aggregate_id=event.probe_id)
        assert record.causation_id == event.meta.id
        assert record.correlation_id == event.meta.correlation_id
        assert record.sequence == 2


def test_the_last_attempt_ends_as_a_dead_letter():
    def handler(event: ProbeSent) -> None:
        raise ValueError("never")

    [event] = published()
    run(a_consumer(handler), [event], {envelope.ATTEMPTS: failures.MAX_ATTEMPTS - 1})
    assert not ScheduledMessage.objects.exists()
    assert DeadLetter.objects.get().attempts == failures.MAX_ATTEMPTS


@pytest.mark.parametrize(
    ("task", "cause"), [("dead_letter_unreadable", "crashed"), ("retry_unknown_later", "unreadable")]
)
def test_what_the_bridge_could_read_and_a_process_of_the_pool_cannot_is_a_dead_letter(task, cause):
    """Its stack is deeper, and so its recursion limit is nearer; the message must not come again forever."""
    body = '{"id": ' + "[" * 100_000
    getattr(tasks, task)("tests", body, "UnknownEventType", "tests does not consume it", cause, 0)
    letter = DeadLetter.objects.get()
    assert (letter.cause, letter.app, letter.body) == ("unreadable", "tests", body)


def test_a_consumer_that_calls_the_outside_has_no_transaction_open():
    seen = []

    def handler(event: ProbeSent) -> None:
        seen.append(transaction.get_connection().in_atomic_block)
        with unit_of_work():
            publish(ProbeNudged(probe_id=event.probe_id))

    events = published(2)
    consumer = a_consumer(handler, emits=(ProbeNudged,), calls_outside=True, batch=1)
    for event in [*events, *events]:
        run(consumer, [event])
    assert seen == [False, False]
    assert EventRecord.objects.filter(type=ProbeNudged.type).count() == 2


def test_an_event_that_came_too_early_is_tried_again_soon_and_then_ever_later(monkeypatch):
    monkeypatch.setattr(failures, "BACKOFF", timedelta(seconds=40))

    def handler(event: ProbeSent) -> None:
        raise TooEarly("its predecessor has not come")

    [event] = published(1)
    waits = []
    for deferrals in (0, 1):
        began = datetime.now(UTC)
        run(a_consumer(handler), [event], headers={envelope.DEFERRALS: deferrals})
        waits.append(ScheduledMessage.objects.get().due_at - began)
    assert failures.FIRST_DEFERRAL <= waits[0] < failures.BACKOFF / 2 < waits[1]


def test_backoff_doubles_with_jitter_and_ends():
    for nth in (1, 2, 3, 20):
        waits = [failures.retry_delay(nth) for _ in range(200)]
        longest = min(failures.BACKOFF * 2 ** (nth - 1), failures.LONGEST_BACKOFF)
        assert longest / 2 <= min(waits) < max(waits) <= longest
