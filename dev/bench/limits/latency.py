"""``script/bench latency``: time from placed to shipped at a steady rate of orders."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bench import servers
from dev.bench.chain.contestants import prepared
from dev.bench.chain.race import Contestant
from dev.bench.layouts import Layout
from dev.bench.report.figures import Report, Series, percentile
from dev.console import say
from dev.errors import ScriptError

#: Figures of a contestant in a run, by name and unit.
Figures = dict[tuple[str, str], float]


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
    #: Measure the competitors of the chain, too.
    competitors: bool


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
    """Measure every contestant alone, once in each run, on the same servers."""
    servers.empty_home()
    figures: dict[str, list[Figures]] = defaultdict(list)
    with prepared(plan.brokers, plan.layout, competitors=plan.competitors) as (shops, others):
        for run in range(1, plan.runs + 1):
            for one in [*shops, *others]:
                figures[one.name].append(_measure_once(one, plan.paces, f"run {run} of {plan.runs}"))
        names = [shop.name for shop in shops]
    series = {contestant: _series(contestant, of_runs) for contestant, of_runs in figures.items()}
    report = Report(f"Latency: placed to shipped, workers: {plan.layout}")
    report.series += [one for by_name in series.values() for one in by_name.values()]
    report.series += _ratios(series, names)
    return report


def _series(contestant: str, of_runs: Sequence[Figures]) -> dict[str, Series]:
    return {
        name: Series(f"{contestant}, {name}", unit, tuple(figures[name, unit] for figures in of_runs))
        for name, unit in of_runs[0]
    }


def _measure_once(contestant: Contestant, paces: Sequence[Pace], run: str) -> Figures:
    """Start a contestant alone; return its figures at each pace by name and unit."""
    figures: Figures = {}
    with contestant.serving() as ship:
        for pace in paces:
            times = ship(pace.orders, pace.rate)
            delays = [1000 * (shipped - placed) for placed, shipped in times]
            p50, p99 = percentile(delays, 0.50), percentile(delays, 0.99)
            figures |= {
                (f"{pace}: p50", "ms"): p50,
                (f"{pace}: p99", "ms"): p99,
                (f"{pace}: placed", "orders/s"): _rate([placed for placed, _ in times]),
            }
            say(f"{run}: {contestant.name}, {pace}: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms")
    return figures


def _rate(placed: Sequence[float]) -> float:
    return (len(placed) - 1) / max(max(placed) - min(placed), 1e-3)


def _ratios(series: Mapping[str, Mapping[str, Series]], shops: Sequence[str]) -> Iterator[Series]:
    for other in [name for name in series if name not in shops]:
        for shop in shops:
            for name, theirs in series[other].items():
                if theirs.unit == "ms":
                    yield theirs.over(series[shop][name], f"{other} / {shop}, {name}")
