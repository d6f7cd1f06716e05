"""Relay: shards, late commits, confirms, notifications and pauses."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.backoff import LeakyBucket
from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.consuming import consumers, inbox
from shop.messaging.errors import Refused
from shop.messaging.models import DeadLetter, OutboxEntry, ScheduledMessage
from shop.messaging.outbox import channel, shards
from shop.messaging.publishing import publish
from shop.messaging.relay import due, relay
from shop.messaging.relay import shards as shards_module

#: Seconds within which a notification arrives on a busy machine.
TIMEOUT = 20.0
ALL = list(range(shards.SHARDS))

pytestmark = pytest.mark.django_db(transaction=True)


class RecordingPublisher:
    """Confirms all messages, or returns or refuses all of them."""

    def __init__(self, *, unroutable: bool = False, refused: bool = False) -> None:
        self.unroutable, self.refused = unroutable, refused
        self.published: list[str] = []

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        self.published += [str(message.message_id) for message in batch]
        ids = {message.entry_id for message in batch}
        return Receipt(
            confirmed=set() if self.unroutable or self.refused else ids,
            unroutable=ids if self.unroutable else set(),
        )


@pytest.fixture
def session() -> Iterator[object]:
    with relay.connect() as session:
        yield session


def publish_one() -> str:
    with transaction.atomic():
        event = publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))
    return str(event.meta.id)


def test_what_is_confirmed_leaves_the_outbox(session):
    ids = [publish_one(), publish_one()]
    publisher = RecordingPublisher()
    assert relay.relay_batch(session, publisher, ALL) == 2
    assert publisher.published == ids
    assert not OutboxEntry.objects.exists()


def test_what_is_refused_stays_and_is_published_again_over_another_channel(session):
    publish_one()
    with pytest.raises(Refused, match="1 of 1"):
        relay.relay_batch(session, RecordingPublisher(refused=True), ALL)
    assert OutboxEntry.objects.count() == 1

    publisher = RecordingPublisher()
    relay.relay_batch(session, publisher, ALL)
    assert len(publisher.published) == 1


def test_an_unroutable_event_is_a_dead_letter_and_blocks_nobody(session):
    event_id = publish_one()
    relay.relay_batch(session, RecordingPublisher(unroutable=True), ALL)
    assert not OutboxEntry.objects.exists()
    assert str(DeadLetter.objects.get(cause="unroutable").event_id) == event_id


def test_an_event_that_commits_late_is_not_skipped(session):
    begun, commit = threading.Event(), threading.Event()

    def commit_late() -> None:
        with transaction.atomic():
            publish(OrderCancelled(order_id=uuid7(), number="ORD-1", reason="customer"))
            begun.set()
            assert commit.wait(10)
        connection.close()

    late = threading.Thread(target=commit_late)
    late.start()
    assert begun.wait(10)
    early = publish_one()  # a higher position, committed first
    publisher = RecordingPublisher()
    relay.relay_batch(session, publisher, ALL)
    assert publisher.published == [early]

    commit.set()
    late.join()
    relay.relay_batch(session, publisher, ALL)
    assert len(publisher.published) == 2


def test_relays_share_the_shards_and_take_over_those_of_a_dead_one(monkeypatch):
    monkeypatch.setattr(shards_module, "REBALANCE_INTERVAL", 0)
    with relay.connect() as first, relay.connect() as second:
        of_first, of_second = shards_module.Shards(first), shards_module.Shards(second)
        of_first.rebalance()
        of_second.rebalance()
        of_first.rebalance()
        of_second.rebalance()
        assert len(of_first.held) == len(of_second.held) == shards.SHARDS // 2
        assert sorted(of_first.held + of_second.held) == ALL

        first.close()
        deadline = time.monotonic() + 10  # the server notices in its own time
        while len(of_second.held) < len(ALL) and time.monotonic() < deadline:
            of_second.rebalance()
        assert sorted(of_second.held) == ALL


def test_events_of_one_aggregate_commit_one_after_the_other():
    """Otherwise a later event could be numbered and relayed before an earlier one."""
    order_id, begun, commit, order = uuid7(), threading.Event(), threading.Event(), []

    def hold() -> None:
        with transaction.atomic():
            publish(OrderCancelled(order_id=order_id, number="first", reason="customer"))
            begun.set()
            assert commit.wait(10)
            order.append("first")
        connection.close()

    def follow() -> None:
        with transaction.atomic():
            publish(OrderCancelled(order_id=order_id, number="second", reason="customer"))
            order.append("second")
        connection.close()

    threads = [threading.Thread(target=hold), threading.Thread(target=follow)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    assert order == []
    commit.set()
    for thread in threads:
        thread.join()
    assert order == ["first", "second"]


def test_an_event_is_no_reason_to_look_for_what_is_due(session, monkeypatch):
    monkeypatch.setattr(relay, "POLL_INTERVAL", TIMEOUT)
    session.execute(f"LISTEN {channel.CHANNEL}")
    publish_one()
    assert not relay.await_notification(session)


def test_what_a_consumer_frees_is_looked_for_at_once(session, monkeypatch):
    """It was deferred, and its predecessor has come."""
    monkeypatch.setattr(relay, "POLL_INTERVAL", TIMEOUT)
    session.execute(f"LISTEN {channel.CHANNEL}")
    event = OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer")
    with transaction.atomic():
        event = publish(event)
    consumer = next(one for one in consumers() if one.event is OrderCancelled and one.app == "analytics")
    ScheduledMessage.objects.create(
        kind=ScheduledMessage.Kind.DEFERRED,
        app="analytics",
        type=event.type,
        message_id=uuid7(),
        aggregate_id=event.order_id,
        body="{}",
        due_at=datetime.now(UTC) + timedelta(hours=1),
    )
    assert not relay.await_notification(session)

    with transaction.atomic():
        inbox.record(consumer, [event])
    assert relay.await_notification(session)
    assert due.promote_due(session) == 1


def test_a_burst_goes_at_once_and_then_so_many_a_second(monkeypatch):
    now = 100.0
    monkeypatch.setattr("shop.messaging.backoff.time.monotonic", lambda: now)
    pace = LeakyBucket(burst=5)
    assert [pace.pause(0.25) for _ in range(20)] == [0] * 20
    assert pace.pause(0.25) == 0.25
    now += 0.25
    assert pace.pause(0.5) == 0.5
    now += 60
    assert [pace.pause(0.25) for _ in range(20)] == [0] * 20


def test_a_full_batch_is_followed_by_the_next_at_once_and_one_that_took_long_by_a_longer_pause(monkeypatch):
    batches = [
        (relay.BATCH, 9),
        (relay.BATCH, 9),
        (8, 0.02),
        (8, 0.5),
        (8, relay.BATCH_INTERVAL / 10),
        (0, 9),
    ]
    waits = []
    relaying, now = relay.Relay(None), [100.0]

    def relay_batch(*_):
        if len(batches) == 1:
            relaying.stop()
        relayed, seconds = batches.pop(0)
        now[0] += seconds
        return relayed

    monkeypatch.setattr(relay.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(relay, "relay_batch", relay_batch)
    monkeypatch.setattr(relay, "promote_due", lambda _: 0)
    monkeypatch.setattr(relay.circuit_breaker, "send_probes", lambda _: 0)
    monkeypatch.setattr(relay, "await_notification", lambda _: False)
    monkeypatch.setattr(LeakyBucket, "pause", lambda _, seconds: waits.append((len(batches), seconds)) or 0.0)
    with relay.connect() as session:
        # The loop inside run(), which would connect to a broker first.
        relaying._relay(session, RecordingPublisher())
    pauses = [
        (3, pytest.approx(relay.REST_FACTOR * 0.02)),
        (2, relay.LONGEST_REST),
        (1, relay.BATCH_INTERVAL),
    ]
    assert waits == pauses, "after those that were neither full nor empty"
