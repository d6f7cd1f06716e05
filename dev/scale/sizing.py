"""Sizes on paper: what the measured cost of an order comes to at higher rates, and what breaks first.

Everything is linear in the rate. What is not measured is a constant below.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from dev.paths import ROOT
from dev.scale.cost import Cost
from dev.scale.rule import rules
from shop.messaging.outbox.shards import SHARDS

#: Orders a second.
RATES = (10, 100, 1_000, 10_000)
#: Part of a core that may be in use: what is above is for bursts.
USED = 0.7
#: Threads of a web process, each with a session: WEB_THREADS of the manifests.
WEB_THREADS = 2
#: Not measured here: cores of a large database server, MB/s of WAL that a disk and a standby take, messages a
#: second through one quorum queue (its leader is one Erlang process), and GB of a table that is still handy.
LARGEST_POSTGRES, WAL_MB, QUEUE_MESSAGES, TABLE_GB = 64, 200, 20_000, 1_000
_POSTGRES = ROOT / "deploy" / "kubernetes" / "cluster" / "postgresql.yaml"
_MONTH = 30 * 86_400


@dataclass(frozen=True)
class Sessions:
    """Sessions at PostgreSQL of a worker with one process, and of a relay."""

    worker: float
    relay: float


@dataclass(frozen=True)
class Size:
    """An installation for a rate."""

    rate: float
    web: int
    relays: int
    workers: int
    connections: int
    postgres_cores: int
    rabbitmq_cores: int
    events: float
    wal_mb: float
    gb_a_day: float


@dataclass(frozen=True)
class Limit:
    """A rate of orders beyond which something gives way, and the remedy."""

    rate: float
    what: str
    remedy: str


def size(rate: float, cost: Cost, sessions: Sessions) -> Size:
    """Return the installation for a rate of orders a second."""
    cores = {stage: max(1, math.ceil(rate * ms / 1000 / USED)) for stage, ms in cost.cpu.items()}
    used = cores["workers"] * sessions.worker + cores["relay"] * sessions.relay
    return Size(
        rate=rate,
        web=cores["web"],
        relays=cores["relay"],
        workers=cores["workers"],
        connections=math.ceil(used + cores["web"] * WEB_THREADS),
        postgres_cores=cores["PostgreSQL"],
        rabbitmq_cores=cores["RabbitMQ"],
        events=rate * cost.events,
        wal_mb=rate * cost.wal / 1e6,
        gb_a_day=rate * cost.stored * 86_400 / 1e9,
    )


def limits(cost: Cost, sessions: Sessions) -> list[Limit]:
    """Return what gives way, the lowest rate first."""
    return sorted(_limits(cost, sessions), key=lambda limit: limit.rate)


def _limits(cost: Cost, sessions: Sessions) -> Iterator[Limit]:
    core = {stage: 1000 * USED / max(ms, 1e-6) for stage, ms in cost.cpu.items()}
    yield Limit(core["relay"], "one relay", f"more relays share the {SHARDS} shards")
    yield Limit(
        SHARDS * core["relay"], f"{SHARDS} relays, one a shard", "more shards: a migration of the outbox"
    )
    pods = sum(rule.maximum for rule in rules().values())
    yield Limit(
        pods * core["workers"], f"KEDA's maxReplicaCount, {pods} pods", "raise it, or more processes a pod"
    )
    each = sessions.worker / core["workers"] + sessions.relay / core["relay"] + WEB_THREADS / core["web"]
    allowed = max_connections()
    yield Limit(
        allowed / each, f"max_connections, {allowed}", "raise it; sessions cannot be pooled by transaction"
    )
    yield Limit(
        LARGEST_POSTGRES * core["PostgreSQL"],
        f"PostgreSQL's CPU, {LARGEST_POSTGRES} cores",
        "one primary writes everything: a database a context",
    )
    yield Limit(WAL_MB * 1e6 / cost.wal, f"WAL, {WAL_MB} MB/s", "faster disks; a database a context")
    yield Limit(
        QUEUE_MESSAGES / cost.events,
        f"one quorum queue, {QUEUE_MESSAGES:,} messages/s of one event",
        "bundles of 25, which form under load; a queue for each shard beyond",
    )
    yield Limit(
        TABLE_GB * 1e9 / _MONTH / cost.logged,
        f"the log, one table, {TABLE_GB:,} GB in 30 days",
        "partitions by position",
    )


def max_connections() -> int:
    """Return max_connections of the manifest."""
    cluster: Any = yaml.safe_load(_POSTGRES.read_text())
    return int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
