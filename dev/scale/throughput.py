"""Throughput of a backlog by number of workers and of their processes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bench import layouts
from dev.bench.chain.race import Outcome
from dev.bench.chain.shop_contestant import Shop
from dev.bench.deployment import Deployment
from dev.console import say
from dev.scale.cost import connections

#: Workers for all contexts, and processes of each.
LAYOUTS = ("1", "2", "4", "1x2", "1x4")


@dataclass(frozen=True)
class Throughput:
    """Outcome of a layout."""

    layout: layouts.Layout
    outcome: Outcome
    #: Sessions at PostgreSQL.
    connections: int


def measure(
    orders: int,
    *,
    database_url: str,
    broker_url: str,
    servers: Mapping[str, int],
    shapes: Sequence[str] = LAYOUTS,
) -> Iterator[Throughput]:
    """Yield the outcome of each layout, on the same database and broker, one after the other."""
    for number, shape in enumerate(shapes):
        layout = layouts.parse(shape)
        deployment = _Counted("throughput", database_url=database_url, broker_url=broker_url, layout=layout)
        shop = Shop(deployment, servers)
        if not number:
            shop.prepare()
        outcome = shop.run(orders)
        say(f"workers {layout}: {outcome.shipped_rate:,.0f} orders/s shipped, {outcome.done_rate:,.0f} done")
        yield Throughput(layout, outcome, deployment.connections)


class _Counted(Deployment):
    """A deployment that counts its sessions before it stops."""

    connections = 0

    def __exit__(self, *exc_info: object) -> None:
        if not any(exc_info):
            self.connections = connections(self)
        super().__exit__(*exc_info)
