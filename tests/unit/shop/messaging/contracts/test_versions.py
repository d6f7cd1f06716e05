"""Versions of an event: published in each that is still read, consumed once, logged once."""

import json
from uuid import UUID

import pytest
from django.db import connection, transaction

from shop.ids import uuid7
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.checks import the_log_is_readable
from shop.messaging.consuming import Consumer, failures
from shop.messaging.contracts import Event, as_version, cloudevents, newest, versions
from shop.messaging.errors import UnknownEventType
from shop.messaging.event_log import event_counts, replay
from shop.messaging.models import DeadLetter, EventRecord, InboxEntry, OutboxEntry, ScheduledMessage
from shop.messaging.publishing import publish
from tests.unit.shop.messaging.support import a_consumer, run

pytestmark = pytest.mark.django_db(transaction=True)


class ParcelWeighed(Event):
    order_id: UUID
    pounds: float


class ParcelWeighedV2(Event, version=2, replaces=ParcelWeighed):
    order_id: UUID
    grams: int

    @classmethod
    def upcast(cls, old: ParcelWeighed) -> "ParcelWeighedV2":
        return cls(order_id=old.order_id, grams=round(old.pounds * 453.6))

    def downcast(self) -> ParcelWeighed:
        return ParcelWeighed(order_id=self.order_id, pounds=self.grams / 453.6)


class ParcelWeighedV3(Event, version=3, replaces=ParcelWeighedV2):
    """A version without downcast, because the second one has no reader left."""

    order_id: UUID
    grams: int
    scale: str = ""

    @classmethod
    def upcast(cls, old: ParcelWeighedV2) -> "ParcelWeighedV3":
        return cls(order_id=old.order_id, grams=old.grams, scale="unknown")


def weighed(grams: int = 4536) -> ParcelWeighedV2:
    with transaction.atomic():
        return publish(ParcelWeighedV2(order_id=uuid7(), grams=grams))


def reader(of: type[Event]) -> tuple[Consumer, list[Event]]:
    seen: list[Event] = []
    return a_consumer(lambda events: seen.extend(events), event=of, takes_batch=True), seen


def test_a_fact_is_logged_once_and_told_in_every_version_that_is_read():
    event = weighed()
    sent = {entry.type: json.loads(entry.body) for entry in OutboxEntry.objects.all()}
    assert EventRecord.objects.get().type == "tests.ParcelWeighed.v2"
    assert list(sent) == ["tests.ParcelWeighed.v2", "tests.ParcelWeighed.v1"], "the newest first"
    assert sent["tests.ParcelWeighed.v1"]["data"]["pounds"] == 10.0
    assert {message["id"] for message in sent.values()} == {str(event.meta.id)}


def test_a_version_that_nobody_reads_any_more_is_not_sent():
    with transaction.atomic():
        publish(ParcelWeighedV3(order_id=uuid7(), grams=1))
    assert [entry.type for entry in OutboxEntry.objects.all()] == ["tests.ParcelWeighed.v3"]


def test_a_consumer_gets_older_versions_as_its_own():
    consumer, seen = reader(ParcelWeighedV3)
    old = as_version(weighed(), ParcelWeighed)
    run(consumer, [old])
    assert [(type(event), event.grams, event.scale) for event in seen] == [(ParcelWeighedV3, 4536, "unknown")]
    assert seen[0].meta == old.meta


def test_two_versions_of_one_event_take_effect_once():
    consumer, seen = reader(ParcelWeighedV2)
    event = weighed()
    run(consumer, [event, as_version(event, ParcelWeighed)])
    run(consumer, [as_version(event, ParcelWeighed)])
    assert len(seen) == InboxEntry.objects.count() == 1


def test_the_log_is_replayed_in_the_newest_version():
    weighed()
    with transaction.atomic():
        publish(ParcelWeighed(order_id=uuid7(), pounds=1))
    assert [(type(event), event.grams) for event in replay()] == [
        (ParcelWeighedV3, 4536),
        (ParcelWeighedV3, 454),
    ]


def test_all_versions_of_a_fact_count_as_one():
    event = weighed()
    with transaction.atomic():
        publish(ParcelWeighed(order_id=event.order_id, pounds=1))
    assert list(event_counts()) == [(event.order_id, "tests.ParcelWeighed.v3", 1)] * 2
    assert newest(ParcelWeighed) is ParcelWeighedV3
    assert reader(ParcelWeighed)[0].logged_as == tuple(kind.type for kind in versions(ParcelWeighedV2))
    assert reader(ParcelWeighedV2)[0].reads == ("tests.ParcelWeighed.v2", "tests.ParcelWeighed.v1")


def test_a_message_that_cannot_be_upcast_is_retried_like_one_that_cannot_be_consumed(monkeypatch):
    def broken(old: Event) -> Event:
        raise ZeroDivisionError("a slip in upcast()")

    monkeypatch.setattr(ParcelWeighedV2, "upcast", broken)
    run(reader(ParcelWeighedV2)[0], [as_version(weighed(), ParcelWeighed)])
    retry = ScheduledMessage.objects.get()
    assert (retry.kind, retry.type, retry.attempts) == ("retry", "tests.ParcelWeighed.v1", 1)
    assert "a slip in upcast()" in retry.last_error


def test_what_is_not_told_in_an_old_version_any_more_cannot_be_read_in_it():
    with pytest.raises(UnknownEventType, match=r"v3 is no longer published as tests.ParcelWeighed.v1"):
        as_version(ParcelWeighedV3(order_id=uuid7(), grams=1), ParcelWeighed)


def test_a_new_version_says_how_the_old_one_is_read():
    with pytest.raises(TypeError, match=r"define the classmethod upcast"):
        type("ParcelWeighedV4", (Event,), {"__module__": __name__, "__annotations__": {"order_id": UUID}},
             version=4, replaces=ParcelWeighedV3)  # fmt: skip
    with pytest.raises(TypeError, match=r"is no earlier version"):
        type("ParcelLost", (Event,), {"__module__": __name__, "__annotations__": {"order_id": UUID}},
             version=2, replaces=ParcelWeighed)  # fmt: skip


def test_a_message_of_a_version_unknown_here_waits_and_dies_only_after_its_last_attempt():
    event = weighed()
    body = cloudevents.encode(event).replace(".v2", ".v9")
    failures.retry_unknown_later(app="tests", body=body, error="tests does not consume it", attempts=0)
    later = ScheduledMessage.objects.get()
    assert (later.kind, later.type, later.attempts) == ("retry", "tests.ParcelWeighed.v9", 1)
    assert (later.message_id, later.aggregate_id, later.body) == (event.meta.id, event.order_id, body)

    last = failures.MAX_ATTEMPTS - 1
    failures.retry_unknown_later(app="tests", body=body, error="tests does not consume it", attempts=last)
    letter = DeadLetter.objects.get()
    assert (letter.type, letter.event_id, letter.attempts) == ("tests.ParcelWeighed.v9", event.meta.id, 20)


def test_a_message_unknown_here_does_not_take_the_place_of_one_that_is_to_be_retried():
    def refuse(event: Event) -> None:
        raise ValueError("not now")

    event = weighed()
    run(a_consumer(refuse, event=ParcelWeighed), [as_version(event, ParcelWeighed)])
    failures.retry_unknown_later(app="tests", body=cloudevents.encode(event), error="unknown", attempts=0)
    assert ScheduledMessage.objects.get().type == "tests.ParcelWeighed.v1"


def test_code_that_cannot_read_the_log_is_refused():
    event = weighed()
    assert the_log_is_readable(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_eventrecord"
            " (id, type, aggregate_id, sequence, time, correlation_id, traceparent, data)"
            " VALUES (%s, 'tests.ParcelWeighed.v9', %s, 9, now(), %s, '', '{}')",
            [uuid7(), event.order_id, uuid7()],
        )
    [error] = the_log_is_readable(databases=["default"])
    assert "tests.ParcelWeighed.v9, which no class reads" in error.msg


def test_only_the_newest_version_has_to_be_read_by_somebody():
    weighed()
    with transaction.atomic():
        publish(ParcelWeighedV3(order_id=uuid7(), grams=1))
    rows = OutboxEntry.objects.values_list("id", "message_id", "type", "queue", "headers", "body")
    mandatory = {message.type: message.is_mandatory for message in (Outgoing(*row) for row in rows)}
    assert mandatory == {
        "tests.ParcelWeighed.v1": False,
        "tests.ParcelWeighed.v2": False,
        "tests.ParcelWeighed.v3": True,
    }
