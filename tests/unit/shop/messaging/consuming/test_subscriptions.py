"""Subscriptions: where new, renamed and long known consumers begin."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from celery.signals import worker_ready
from django.apps import apps
from django.db import connection

from shop.messaging.consuming import consumer_of, consumers, consumes, registry, runner
from shop.messaging.consuming.subscriptions import last_position, logged_consumers, subscribe_new
from shop.messaging.contracts import cloudevents
from shop.messaging.event_log import replay
from shop.messaging.models import EventRecord, Horizon, InboxEntry, Subscription
from shop.messaging.worker.subscribing import begin_subscriptions
from tests.contracts.probe.events import ProbeNudged, ProbeSent
from tests.unit.shop.messaging.support import published

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Each case registers the consumer anew.
    pytest.mark.filterwarnings("ignore::celery.app.base.DuplicateTaskNameWarning"),
]


@pytest.fixture
def only_probes(monkeypatch):
    """Start with an empty registry, and no subscriptions."""
    monkeypatch.setattr(registry, "_consumers", {})
    Subscription.objects.all().delete()


def deliver(events) -> None:
    consumer = consumer_of("tests", events[0].type)
    runner.run(consumer, [json.loads(cloudevents.encode(event)) for event in events], [{}] * len(events))


def test_in_a_new_installation_every_consumer_begins_with_the_first_event():
    positions = dict(Subscription.objects.values_list("consumer", "position"))
    assert positions == {consumer.name: 0 for consumer in logged_consumers()}


@pytest.mark.parametrize(
    ("declared", "before"), [({}, 3), ({"from_beginning": True}, 0), ({"from_position": 1}, 1)]
)
def test_a_new_consumer_begins_now_or_where_it_declares(only_probes, declared, before):
    published(3)
    first = EventRecord.objects.earliest("position").position
    if "from_position" in declared:
        declared = {"from_position": first}

    @consumes(ProbeSent, **declared)
    def when_probe_sent_begin(event: ProbeSent) -> None: ...

    assert subscribe_new() == ["tests.when_probe_sent_begin"]
    begins = Subscription.objects.get().position
    assert EventRecord.objects.filter(position__lte=begins).count() == before
    published()
    assert subscribe_new() == []
    assert Subscription.objects.get().position == begins


def test_a_consumer_cannot_begin_at_two_places():
    with pytest.raises(TypeError, match="either"):
        consumes(ProbeSent, from_beginning=True, from_position=7)


def test_a_renamed_consumer_consumes_nothing_again_and_keeps_its_beginning(only_probes, monkeypatch):
    seen = []

    @consumes(ProbeSent)
    def when_probe_sent_count(event: ProbeSent) -> None:
        seen.append("old")

    subscribe_new()
    events = published(2)
    deliver(events[:1])
    monkeypatch.setattr(registry, "_consumers", {})

    @consumes(ProbeSent, was="when_probe_sent_count")
    def when_probe_sent_add_up(event: ProbeSent) -> None:
        seen.append("new")

    assert subscribe_new() == []
    deliver(events)
    assert seen == ["old", "new"]
    assert InboxEntry.objects.count() == 2


def test_a_former_name_that_another_consumer_bears_is_refused(only_probes):
    @consumes(ProbeSent)
    def when_probe_sent_bear(event: ProbeSent) -> None: ...

    with pytest.raises(TypeError, match="name of two consumers"):

        @consumes(ProbeNudged, was="when_probe_sent_bear")
        def when_probe_nudged_bear(event: ProbeNudged) -> None: ...


def test_a_worker_begins_the_new_consumers_of_its_own_queues():
    assert begin_subscriptions in [receiver() for _, receiver in worker_ready.receivers], "it is connected"
    published()
    Subscription.objects.all().delete()
    queues = SimpleNamespace(consume_from={"orders": None, "messaging": None})
    begin_subscriptions(sender=SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues))))

    subscribed = Subscription.objects.all()
    assert {one.consumer for one in subscribed} == {c.name for c in logged_consumers() if c.app == "orders"}
    assert {one.position for one in subscribed} == {last_position()}


def test_an_upgrade_leaves_known_consumers_as_they_are_and_has_new_ones_begin_now(only_probes):
    @consumes(ProbeSent)
    def when_probe_sent_known(event: ProbeSent) -> None: ...

    events = published(2)
    deliver(events[:1])
    upgrade()
    assert Subscription.objects.get().position == 0

    Subscription.objects.all().delete()
    InboxEntry.objects.all().delete()  # nobody has ever consumed one of these events: the consumer is new
    upgrade()
    assert subscribe_new() == ["tests.when_probe_sent_known"]
    assert Subscription.objects.get().position == last_position()


def test_an_upgrade_leaves_a_consumer_as_it_is_that_had_nothing_to_do_lately(only_probes, settings):
    @consumes(ProbeSent)
    def when_probe_sent_rarely(event: ProbeSent) -> None: ...

    published()
    settings.SHOP_INBOX_RETENTION = timedelta(0)  # its event is older, and its inbox row pruned
    upgrade()
    assert Subscription.objects.get().position == 0


def upgrade() -> None:
    """Run the migration's function on the present data."""
    migration = import_module("shop.messaging.migrations.0012_subscriptions")
    migration.subscribe_known(apps, SimpleNamespace(connection=connection))


def test_a_rebuild_leaves_out_what_came_before_a_consumer_began(only_probes):
    @consumes(ProbeSent)
    def when_probe_sent_rebuild(event: ProbeSent) -> None: ...

    published(2)
    subscribe_new()
    published()
    Horizon.objects.create(what="inbox", at=datetime.now(UTC) + timedelta(minutes=1))  # all rows are pruned
    assert len(list(replay(consumed_by=["tests.when_probe_sent_rebuild"]))) == 1

    Subscription.objects.update(position=0)
    assert len(list(replay(consumed_by=["tests.when_probe_sent_rebuild"]))) == 3
    assert consumers()
