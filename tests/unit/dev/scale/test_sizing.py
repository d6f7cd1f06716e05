"""Sizes and limits of script/scale, from the cost of an order."""

import pytest

from dev.scale import sizing
from dev.scale.cost import Cost
from dev.scale.rule import rules
from dev.scale.sizing import USED, Sessions
from shop.messaging.outbox.shards import SHARDS

CPU = {"web": 1.0, "relay": 0.5, "workers": 4.0, "PostgreSQL": 2.0, "RabbitMQ": 0.25}
COST = Cost(CPU, stored=30_000, logged=6_000, wal=50_000, events=7, deliveries=23)
SESSIONS = Sessions(worker=2, relay=3)


def test_a_size_has_as_many_cores_and_processes_as_the_rate_takes():
    found = sizing.size(700, COST, SESSIONS)
    assert (found.web, found.relays, found.workers) == (1, 1, 4)
    assert (found.postgres_cores, found.rabbitmq_cores) == (2, 1)
    assert found.connections == 4 * 2 + 1 * 3 + 1 * sizing.WEB_THREADS
    assert (found.events, found.wal_mb) == (4_900, 35)
    assert found.gb_a_day == pytest.approx(700 * 30_000 * 86_400 / 1e9)


def test_the_smallest_installation_has_one_of_each():
    found = sizing.size(0.1, COST, SESSIONS)
    assert (found.web, found.relays, found.workers, found.postgres_cores, found.rabbitmq_cores) == (1,) * 5


def test_limits_are_where_a_size_meets_them():
    by_name = {limit.what.split(",")[0]: limit.rate for limit in sizing.limits(COST, SESSIONS)}
    assert by_name["one relay"] == 1000 * USED / 0.5
    assert by_name[f"{SHARDS} relays"] == SHARDS * by_name["one relay"]
    pods = sum(rule.maximum for rule in rules().values())
    assert sizing.size(0.999 * by_name["KEDA's maxReplicaCount"], COST, SESSIONS).workers == pods
    assert sizing.size(by_name["WAL"], COST, SESSIONS).wal_mb == pytest.approx(sizing.WAL_MB)
    assert sizing.size(by_name["one quorum queue"], COST, SESSIONS).events == pytest.approx(
        sizing.QUEUE_MESSAGES
    )
    sessions = sizing.size(by_name["max_connections"], COST, SESSIONS).connections
    assert sessions == pytest.approx(sizing.max_connections(), rel=0.03)


def test_what_breaks_first_comes_first():
    found = sizing.limits(COST, SESSIONS)
    assert [limit.rate for limit in found] == sorted(limit.rate for limit in found)
    cheap = Cost({**CPU, "relay": 100.0}, stored=30_000, logged=6_000, wal=50_000, events=7, deliveries=23)
    assert sizing.limits(cheap, SESSIONS)[0].what == "one relay"
