"""The shop as a contestant: its relay is held back until all orders are accepted."""

from collections.abc import Mapping
from datetime import UTC, datetime

from dev.bench.chain import backlog
from dev.bench.chain.race import WARM_UP, Outcome
from dev.bench.deployment import Deployment
from dev.bench.report.cpu import Meter


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


def warm_up(shop: Deployment, orders: int = WARM_UP) -> None:
    """Process some orders completely."""
    after, started = backlog.last_position(shop), datetime.now(UTC)
    backlog.place(shop, orders, after=after)
    backlog.await_shipped(shop, orders, after=after)
    backlog.await_quiet(shop, since=started)
