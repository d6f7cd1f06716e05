"""``script/bench chain``: orders/s from accepted to shipped, from a backlog.

Only the processes of the contestant being measured are running.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bench import servers
from dev.bench.chain.contestants import prepared
from dev.bench.chain.race import Contestant, Outcome
from dev.bench.layouts import Layout
from dev.bench.report.figures import Report, Series
from dev.console import say

Outcomes = Mapping[str, Sequence[Outcome]]


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    #: Size of the backlog, accepted in each run before its first order is processed.
    orders: int
    layout: Layout
    brokers: Sequence[str]
    #: Measure the competitors, too.
    competitors: bool
    #: Measure the shop with metrics, too, by turns.
    metrics: bool = False


def measure(plan: Plan) -> Report:
    """Measure every contestant once in each run, on the same servers."""
    servers.empty_home()
    both = {"competitors": plan.competitors, "metrics": plan.metrics}
    with prepared(plan.brokers, plan.layout, **both) as (shops, others):
        outcomes = _race([*shops, *others], plan)
    what = f"a backlog of {plan.orders:,} orders, workers: {plan.layout}"
    report = Report(f"Chain: {what}")
    names = [shop.name for shop in shops], [other.name for other in others]
    report.series += [*_rates(outcomes), *_ratios(outcomes, *names), *_costs(outcomes, names[0])]
    return report


def _race(contestants: Sequence[Contestant], plan: Plan) -> Outcomes:
    outcomes: dict[str, list[Outcome]] = {one.name: [] for one in contestants}
    for run in range(1, plan.runs + 1):
        for one in contestants:
            outcome = one.run(plan.orders)
            outcomes[one.name].append(outcome)
            rates = f"{outcome.shipped_rate:,.1f} orders/s shipped, {outcome.done_rate:,.1f} done"
            say(f"run {run} of {plan.runs}: {one.name}: {rates}, {outcome.cost()['all']:.1f} ms of CPU each")
    return outcomes


def _shipped(outcomes: Outcomes, name: str) -> Series:
    rates = tuple(outcome.shipped_rate for outcome in outcomes[name])
    return Series(f"{name}: accepted to shipped", "orders/s", rates)


def _rates(outcomes: Outcomes) -> Iterator[Series]:
    for name, of_runs in outcomes.items():
        yield _shipped(outcomes, name)
        yield Series(f"{name}: until all is done", "orders/s", tuple(run.done_rate for run in of_runs))


def _ratios(outcomes: Outcomes, shops: Sequence[str], others: Sequence[str]) -> Iterator[Series]:
    for shop in shops:
        for other in others:
            yield _shipped(outcomes, shop).over(_shipped(outcomes, other), f"{shop} / {other}")


def _costs(outcomes: Outcomes, detailed: Sequence[str]) -> Iterator[Series]:
    """Yield the CPU time of an order, for the shop also by program."""
    for name, of_runs in outcomes.items():
        costs = [run.cost() for run in of_runs]
        for program in costs[0] if name in detailed else ["all"]:
            values = tuple(cost[program] for cost in costs)
            yield Series(f"{name}: CPU of {program}", "ms/order", values)
