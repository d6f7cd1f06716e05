"""The shop as a contestant: its relay is held back until all orders are accepted."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from dev.bench.chain import backlog
from dev.bench.chain.race import WARM_UP, Outcome, Ship
from dev.bench.deployment import Deployment, check_placed
from dev.bench.report.cpu import Meter
from dev.processes import children

#: Connections for placing orders: enough that no order waits for another.
_THREADS = 8
_TIMES = """
    select extract(epoch from placed.time)::float, extract(epoch from shipped.time)::float
    from messaging_eventrecord placed join messaging_eventrecord shipped using (aggregate_id)
    where placed.position > %s and placed.type = 'orders.OrderCreated.v2'
      and shipped.type = 'shipping.OrderShipped.v2'
"""


class Shop:
    """A :class:`Contestant`: the shop on one of the brokers."""

    def __init__(self, deployment: Deployment, servers: Mapping[str, int]) -> None:
        self.name, self._deployment = deployment.name, deployment
        #: Server processes whose CPU time counts, too.
        self._servers = servers

    def prepare(self) -> None:
        """Create tables, catalogue and customers."""
        self._deployment.prepare()

    def run(self, orders: int) -> Outcome:
        """Start relay and workers, warm up, process a backlog, and stop."""
        with self._deployment as shop:
            warm_up(shop)
            after = backlog.last_position(shop)
            meter = Meter(shop.pids() | dict(self._servers))
            with backlog.relay_held_back(shop) as release:
                backlog.place(shop, orders, after=after)
                with meter.running():
                    started = release()
                    shipped = backlog.await_shipped(shop, orders, after=after)
                    done = backlog.await_quiet(shop, since=started)
        return Outcome(orders, started, shipped, max(shipped, done), meter.seconds)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Ship]:
        """Start relay and workers, warm up, process orders as they are placed, and stop."""
        with self._deployment as shop:
            warm_up(shop)
            yield lambda orders, rate: _ship(shop, orders, rate)


def _ship(shop: Deployment, orders: int, rate: float) -> Sequence[tuple[float, float]]:
    after, started = backlog.last_position(shop), datetime.now(UTC)
    placer = shop.start_placing(orders=orders, threads=_THREADS, rate=rate)
    try:
        while not children.has_ended(placer):
            shop.sleep(0.5)
        check_placed(placer, shop.placing_log)
    finally:
        children.stop_children([placer])
    backlog.await_shipped(shop, orders, after=after)
    backlog.await_quiet(shop, since=started)
    return [(placed, shipped) for placed, shipped in shop.rows(_TIMES, after)]


def warm_up(shop: Deployment, orders: int = WARM_UP) -> None:
    """Process some orders completely."""
    after, started = backlog.last_position(shop), datetime.now(UTC)
    backlog.place(shop, orders, after=after)
    backlog.await_shipped(shop, orders, after=after)
    backlog.await_quiet(shop, since=started)
