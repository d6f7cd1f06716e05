"""``script/bench latency``: time from placed to shipped at a steady rate of orders."""

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.bench import servers
from dev.bench.chain import backlog
from dev.bench.chain.shop_contestant import warm_up
from dev.bench.deployment import Deployment, check_placed, deployment_on
from dev.bench.layouts import Layout
from dev.bench.report.figures import Report, Series, percentile
from dev.console import say
from dev.errors import ScriptError
from dev.processes import children
from dev.servers.infrastructure import RABBITMQ

#: Connections for placing orders: enough that no order waits for another.
_THREADS = 8
_TIMES = """
    select extract(epoch from placed.time)::float, extract(epoch from shipped.time)::float
    from messaging_eventrecord placed join messaging_eventrecord shipped using (aggregate_id)
    where placed.position > %s and placed.type = 'orders.OrderCreated.v2'
      and shipped.type = 'shipping.OrderShipped.v2'
"""


class NoPace(ScriptError):
    """The text is no pair of positive numbers."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no pace: say RATE:SECONDS, as in 10:30 for 10 orders a second for 30 s."
        )


@dataclass(frozen=True)
class Pace:
    """A rate of orders a second, for a number of seconds."""

    rate: float
    seconds: float

    @property
    def orders(self) -> int:
        """Number of orders; at least two, for one has no rate."""
        return max(2, math.ceil(self.rate * self.seconds))

    def __str__(self) -> str:
        return f"{self.rate:g}/s"


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    paces: Sequence[Pace]
    layout: Layout
    brokers: Sequence[str]


def parse_pace(text: str) -> Pace:
    """Parse RATE:SECONDS. Raises NoPace."""
    try:
        rate, seconds = map(float, text.split(":"))
    except ValueError:
        raise NoPace(text) from None
    if not (0 < rate < math.inf and 0 < seconds < math.inf):
        raise NoPace(text)
    return Pace(rate, seconds)


def measure(plan: Plan) -> Report:
    """Measure on each broker, one after the other."""
    servers.empty_home()
    report = Report(f"Latency: placed to shipped, workers: {plan.layout}")
    for broker in plan.brokers:
        with _deployed(broker, plan.layout) as shop:
            report.series += _measure_on(broker, shop, plan)
    return report


@contextlib.contextmanager
def _deployed(broker: str, layout: Layout) -> Iterator[Deployment]:
    say(f"Starting the shop on the {broker} broker ...")
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(servers.empty_postgres())
        rabbitmq = stack.enter_context(servers.empty_rabbitmq()) if broker == RABBITMQ else None
        has_bus = broker in servers.EVENT_BUS_NAMES
        bus = stack.enter_context(servers.empty_event_bus(broker)) if has_bus else None
        deployment = deployment_on(broker, postgres, layout, rabbitmq=rabbitmq, bus=bus)
        deployment.prepare()
        shop = stack.enter_context(deployment)
        warm_up(shop)
        yield shop


def _measure_on(broker: str, shop: Deployment, plan: Plan) -> Iterator[Series]:
    figures: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in range(1, plan.runs + 1):
        for pace in plan.paces:
            placed_rate, delays = _ship(shop, pace)
            p50, p99 = percentile(delays, 0.50), percentile(delays, 0.99)
            figures[f"{broker}, {pace}: p50", "ms"].append(p50)
            figures[f"{broker}, {pace}: p99", "ms"].append(p99)
            figures[f"{broker}, {pace}: placed", "orders/s"].append(placed_rate)
            say(f"run {run} of {plan.runs}: {broker}, {pace}: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms")
    for (name, unit), values in figures.items():
        yield Series(name, unit, tuple(values))


def _ship(shop: Deployment, pace: Pace) -> tuple[float, list[float]]:
    """Place orders at a pace; return the rate achieved and the milliseconds of each order."""
    after, started = backlog.last_position(shop), datetime.now(UTC)
    placer = shop.start_placing(orders=pace.orders, threads=_THREADS, rate=pace.rate)
    try:
        while not children.has_ended(placer):
            shop.sleep(0.5)
        check_placed(placer, shop.placing_log)
    finally:
        children.stop_children([placer])
    backlog.await_shipped(shop, pace.orders, after=after)
    backlog.await_quiet(shop, since=started)
    times = shop.rows(_TIMES, after)
    placed = [moment for moment, _ in times]
    reached = (len(placed) - 1) / max(max(placed) - min(placed), 1e-3)
    return reached, [1000 * (shipped - moment) for moment, shipped in times]
