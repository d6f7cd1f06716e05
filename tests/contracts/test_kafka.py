"""Guarantees on Kafka alone, by a broker of today's protocol: publishers, members, positions."""

import dataclasses
import json
import os
import threading
from collections import defaultdict
from urllib.parse import urlsplit

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from confluent_kafka import Producer

from dev.servers.tansu import Tansu
from shop.ids import uuid7
from shop.messaging.bus.kafka import cluster as kafka_cluster
from shop.messaging.bus.kafka.bus import MAX_IN_HAND, KafkaBus
from shop.messaging.bus.kafka.cluster import Cluster
from shop.messaging.bus.kafka.listener import Listener
from tests.contracts.kafka_members import Member, committed, member, outgoing, publish, read_all
from tests.support.servers import unique_name
from tests.support.waiting import eventually

#: Seconds until Tansu has formed a group again after a member has come, gone or died.
REBALANCE = 60


@pytest.fixture
def url(settings) -> str:
    """Event bus without topics."""
    settings.SHOP_EVENT_BUS = os.environ["TANSU_URL"] + unique_name()
    return settings.SHOP_EVENT_BUS


def topic(url: str, name: str = "shop.events") -> str:
    return Cluster.from_url(url).name(name)


def test_another_program_reads_the_cloudevents_in_the_order_of_each_aggregate(url):
    first, second = uuid7(), uuid7()
    publish([outgoing(number, (first, second)[number % 2]) for number in range(100)])

    records = read_all(url, topic(url), 100)
    events = [from_kafka_event(KafkaMessage({}, None, one.value())) for one in records]
    assert {event.get_type() for event in events} == {"tests.ProbeSent.v1"}
    assert [one.key().decode() for one in records] == [event.get_subject() for event in events]
    assert all(event.get_extension("shopsignature") for event in events)
    numbers = defaultdict(list)
    for event in events:
        numbers[event.get_subject()].append(event.get_data()["number"])
    assert numbers == {str(first): [*range(0, 100, 2)], str(second): [*range(1, 100, 2)]}


def test_every_record_has_its_receipt(url):
    batch = [outgoing(number) for number in range(1500)]

    assert publish(batch).confirmed == set(range(1500))


def test_what_has_no_topic_is_unroutable_and_holds_nothing_up(url):
    receipt = publish([outgoing(1), outgoing(2, queue="nobody.events"), outgoing(3, queue="tests.events")])

    assert (receipt.confirmed, receipt.unroutable) == ({1, 3}, {2})


def test_an_event_that_is_too_large_holds_nothing_up(url, settings):
    settings.SHOP_MAX_MESSAGE_BYTES = 20_000
    large = outgoing(2)
    large = dataclasses.replace(large, body=large.body[:-1] + " " * 100_000 + "}")

    receipt = publish([outgoing(1), large, outgoing(3)])
    assert (receipt.confirmed, receipt.unroutable) == ({1, 3}, {2})


def test_a_record_that_is_sent_twice_is_stored_once(settings, tmp_path):
    tansu = Tansu(tmp_path / "tansu", preferred_port=27192)
    tansu.start()
    # It reads what arrives while it is suspended, and what is sent again because it did not answer in time.
    settings.SHOP_EVENT_BUS = f"{tansu.url('once')}?socket.timeout.ms=1000&retry.backoff.ms=50"
    try:
        with KafkaBus(None).publisher() as publisher:
            publisher.publish([outgoing(0)])
            tansu.pause()
            resume = threading.Timer(3, tansu.resume)
            resume.start()
            receipt = publisher.publish([outgoing(number) for number in range(1, 101)])
            resume.join()
        assert receipt.confirmed == set(range(1, 101))
        values = [one.value() for one in read_all(tansu.url(), "once.shop.events", 101)]
        assert len(values) == len(set(values)) == 101
    finally:
        tansu.kill()


def test_one_slow_event_holds_up_no_other_of_its_partition_but_the_position(url):
    aggregate = uuid7()
    publish([outgoing(number, aggregate) for number in range(300)])

    with member("slow@test", keeps=True) as worker:
        eventually(lambda: len(worker.records) == 300, within=REBALANCE)
        slow, *others = worker.records
        worker.settle(*others)
        publish([outgoing(number, aggregate) for number in range(300, 900)])
        eventually(lambda: len(worker.records) > 700)
        assert committed(url, topic(url, "shop.tests"), slow.partition).offset <= slow.offset
        worker.settle(*worker.records)
        eventually(lambda: len(worker.records) == 900)
        worker.settle(*worker.records)
        last = worker.records[-1].offset + 1
        eventually(lambda: committed(url, topic(url, "shop.tests"), slow.partition).offset == last)


def test_partitions_that_moved_while_there_was_no_space_are_read_when_they_come_back(url, settings):
    settings.SHOP_EVENT_BUS = f"{url}?group.instance.id="  # a member that leaves gives its partitions away
    publish([outgoing(number) for number in range(2 * MAX_IN_HAND)])
    with member("full@test", keeps=True) as worker:
        eventually(lambda: len(worker.records) >= MAX_IN_HAND, within=REBALANCE)
        had = worker.partitions()
        with member("passing@test") as passing:
            eventually(lambda: passing.records, within=REBALANCE)
            assert worker.partitions() < had
            worker.keeps = False  # from now on there is space
            worker.settle(*worker.records)
        eventually(lambda: worker.partitions() == had, within=REBALANCE)

        new = [outgoing(number) for number in range(160)]
        publish(new)
        ids = {str(one.message_id) for one in new}
        eventually(lambda: ids <= {json.loads(one.body)["id"] for one in worker.records}, within=REBALANCE)


def test_what_cannot_be_read_is_copied_to_the_apps_dead_letter_topic(url):
    publish([])
    producer = Producer({"bootstrap.servers": urlsplit(url).netloc})
    producer.produce(topic(url), value=b"no event", partition=0)
    producer.flush(10)

    with member("dead@test", keeps=True) as worker:
        [record] = eventually(lambda: worker.records, within=REBALANCE)
        worker.intake.dead_letter("tests", record)
        [copy] = read_all(url, topic(url, "tests.dead"), 1, partitions=1)
        assert copy.value() == b"no event"
        eventually(lambda: committed(url, topic(url, "shop.tests"), record.partition).offset == 1)


def test_a_worker_that_restarts_keeps_its_partitions_and_disturbs_nobody(url, settings, monkeypatch):
    settings.SHOP_EVENT_BUS = f"{url}?session.timeout.ms=30000"  # a busy machine restarts slowly
    revoked: list[Listener] = []
    on_revoke = Listener._on_revoke

    def note(listener, consumer, partitions):
        revoked.append(listener)
        on_revoke(listener, consumer, partitions)

    monkeypatch.setattr(Listener, "_on_revoke", note)
    first = Member("one@test")
    with member("two@test") as other:
        eventually(lambda: len(first.partitions()) == len(other.partitions()) == 16, within=REBALANCE)
        had = first.partitions()
        publish([outgoing(number) for number in range(200)])
        eventually(lambda: len(first.records) + len(other.records) == 200)
        revoked.clear()
        first.close()

        publish([outgoing(number) for number in range(200, 400)])
        with member("one@test") as again:
            eventually(lambda: again.partitions() == had, within=REBALANCE)
            eventually(lambda: len(again.records) + len(other.records) + len(first.records) == 400)
            assert other.intake._listeners["tests"] not in revoked


def test_a_retention_below_the_setting_is_told_once(url, settings, caplog, monkeypatch):
    monkeypatch.setattr(kafka_cluster, "_told", set())
    settings.SHOP_KAFKA_RETENTION_DAYS = 3
    publish([])
    assert "retains" not in caplog.text
    settings.SHOP_KAFKA_RETENTION_DAYS = 14
    publish([])
    publish([])

    told = [one.getMessage() for one in caplog.records if topic(url) + " for 3.0 days" in one.getMessage()]
    assert len(told) == 1
    assert "SHOP_KAFKA_RETENTION_DAYS (14)" in told[0]


def test_the_depth_of_an_app_is_what_its_group_has_not_committed(url):
    publish([outgoing(number) for number in range(30)])
    bus = KafkaBus(None)
    assert 0 < bus.depths()["tests.events"] <= 30  # Tansu counts batches

    with member("reader") as reader:
        eventually(lambda: len(reader.records) == 30, within=REBALANCE)
        eventually(lambda: bus.depths()["tests.events"] == 0)
