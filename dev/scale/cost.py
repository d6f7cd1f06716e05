"""Cost of an order: CPU by stage, connections by process, rows and bytes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from dev.bench.deployment import Deployment
from dev.bench.report.cpu import Meter

#: Stages and the programs and servers whose CPU time they are.
STAGES = {
    "web": "web",
    "relay": "messaging",
    "workers": "",
    "PostgreSQL": "PostgreSQL",
    "RabbitMQ": "RabbitMQ",
}
_SIZES = """
    select pg_database_size(current_database())::float,
           pg_total_relation_size('messaging_eventrecord')::float,
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float,
           (select count(*) from messaging_eventrecord)::float,
           (select count(*) from messaging_inboxentry)::float
"""
_CONNECTIONS = """
    select count(*) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Cost:
    """Cost of an order."""

    #: Milliseconds of CPU by stage.
    cpu: Mapping[str, float]
    #: Bytes of the database with indexes, of these the event log's, and of WAL.
    stored: float
    logged: float
    wal: float
    #: Events in the log, and deliveries of events to consumers.
    events: float
    deliveries: float

    @property
    def total(self) -> float:
        """Milliseconds of CPU in all stages."""
        return sum(self.cpu.values())


class CostMeter:
    """Measures orders of a running shop. The caller says what its workers used."""

    def __init__(self, shop: Deployment, servers: Mapping[str, int]) -> None:
        self._shop = shop
        pids = shop.pids() | dict(servers)
        wanted = {stage: pids[program] for stage, program in STAGES.items() if program}
        self._meter = Meter(wanted)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the block."""
        self._before = self._shop.rows(_SIZES)[0]
        with self._meter.running():
            yield
        self._after = self._shop.rows(_SIZES)[0]

    def cost(self, orders: int, *, workers: float) -> Cost:
        """Return the cost of an order of the block, in which workers used so many CPU seconds."""
        seconds = {stage: self._meter.seconds.get(stage, workers) for stage in STAGES}
        each = [(after - before) / orders for before, after in zip(self._before, self._after, strict=True)]
        stored, logged, wal, events, deliveries = each
        cpu = {stage: 1000 * value / orders for stage, value in seconds.items()}
        return Cost(cpu, stored, logged, wal, events, deliveries)


def connections(shop: Deployment) -> int:
    """Return the number of sessions that the shop has at PostgreSQL."""
    return int(shop.rows(_CONNECTIONS)[0][0])
