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
#: Part of a pace at which orders have to be shipped. Below it the waiting orders grow in number, and latency
#: says how long the measurement took.
_KEPT = 0.9


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
    """Return the series of a contestant by name, of the paces that each of its runs has."""
    return {
        name: Series(f"{contestant}, {name}", unit, tuple(figures[name, unit] for figures in of_runs))
        for name, unit in of_runs[0]
        if all((name, unit) in figures for figures in of_runs)
    }


def _measure_once(contestant: Contestant, paces: Sequence[Pace], run: str) -> Figures:
    """Start a contestant alone; return its figures by name and unit, up to a pace that it does not keep."""
    figures: Figures = {}
    with contestant.serving() as ship:
        for pace in sorted(paces, key=lambda pace: pace.rate):
            found = _figures(ship(pace.orders, pace.rate))
            figures |= {(f"{pace}: {name}", unit): value for (name, unit), value in found.items()}
            p50, p99, kept = found["p50", "ms"], found["p99", "ms"], found["kept", "of the pace"]
            say(f"{run}: {contestant.name}, {pace}: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, kept {kept:.2f}")
            if kept < _KEPT:
                say(f"{run}: {contestant.name} cannot keep {pace}: no higher pace is tried")
                break
    return figures


def _figures(times: Sequence[tuple[float, float]]) -> Figures:
    """Return the figures of orders, given the seconds at which each was placed and shipped."""
    delays = [1000 * (shipped - placed) for placed, shipped in times]
    placed, shipped = (_rate(moments) for moments in zip(*times, strict=True))
    return {
        ("p50", "ms"): percentile(delays, 0.50),
        ("p99", "ms"): percentile(delays, 0.99),
        ("placed", "orders/s"): placed,
        ("kept", "of the pace"): shipped / placed,
    }


def _rate(moments: Sequence[float]) -> float:
    return (len(moments) - 1) / max(max(moments) - min(moments), 1e-3)


def _ratios(series: Mapping[str, Mapping[str, Series]], shops: Sequence[str]) -> Iterator[Series]:
    """Yield the latencies of each competitor over the shop's, at the paces that both kept in every run."""
    for other in [name for name in series if name not in shops]:
        for shop in shops:
            both = series[other], series[shop]
            for name, theirs in series[other].items():
                pace = name.partition(":")[0]
                if theirs.unit == "ms" and all(_is_kept(one, pace) for one in both):
                    yield theirs.over(series[shop][name], f"{other} / {shop}, {name}")


def _is_kept(series: Mapping[str, Series], pace: str) -> bool:
    kept = series.get(f"{pace}: kept")
    return bool(kept and min(kept.values) >= _KEPT)
