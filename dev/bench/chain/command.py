"""``script/bench chain``: orders/s from accepted to shipped, from a backlog.

Only the processes of the contestant being measured are running.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bench import servers
from dev.bench.chain import competitors
from dev.bench.chain.race import Contestant, Outcome
from dev.bench.chain.shop_contestant import Shop
from dev.bench.deployment import deployment_on
from dev.bench.layouts import Layout
from dev.bench.report.figures import Report, Series
from dev.bench.servers import EVENT_BUS_NAMES, EventBusServer, pid_of
from dev.console import say
from dev.servers.infrastructure import RABBITMQ
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ

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


def measure(plan: Plan) -> Report:
    """Measure every contestant once in each run, on the same servers."""
    servers.empty_home()
    with _contestants(plan) as (shops, others):
        for contestant in [*shops, *others]:
            say(f"Preparing {contestant.name} ...")
            contestant.prepare()
        outcomes = _race([*shops, *others], plan)
    what = f"a backlog of {plan.orders:,} orders, workers: {plan.layout}"
    report = Report(f"Chain: {what}")
    names = [shop.name for shop in shops], [other.name for other in others]
    report.series += [*_rates(outcomes), *_ratios(outcomes, *names), *_costs(outcomes, names[0])]
    return report


@contextlib.contextmanager
def _contestants(plan: Plan) -> Iterator[tuple[list[Shop], list[Contestant]]]:
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(servers.empty_postgres())
        needed = plan.competitors or RABBITMQ in plan.brokers
        rabbitmq = stack.enter_context(servers.empty_rabbitmq()) if needed else None
        buses = {
            kind: stack.enter_context(servers.empty_event_bus(kind))
            for kind in plan.brokers
            if kind in EVENT_BUS_NAMES
        }
        shops = [
            _shop_on(broker, postgres, rabbitmq, buses.get(broker), plan.layout) for broker in plan.brokers
        ]
        yield shops, _competitors(postgres, rabbitmq) if plan.competitors and rabbitmq else []


def _shop_on(
    broker: str, postgres: Postgres, rabbitmq: RabbitMQ | None, bus: EventBusServer | None, layout: Layout
) -> Shop:
    pids = {"PostgreSQL": pid_of(postgres)}
    if broker == RABBITMQ and rabbitmq:
        pids["RabbitMQ"] = pid_of(rabbitmq)
    if bus:
        pids[EVENT_BUS_NAMES[broker]] = pid_of(bus)
    return Shop(deployment_on(broker, postgres, layout, rabbitmq=rabbitmq, bus=bus), pids)


def _competitors(postgres: Postgres, rabbitmq: RabbitMQ) -> list[Contestant]:
    database = {"PostgreSQL": pid_of(postgres)}
    both = {**database, "RabbitMQ": pid_of(rabbitmq)}
    return [
        competitors.procrastinate(postgres, database),
        competitors.dbos(postgres, database),
        competitors.idiomatic_celery(postgres, rabbitmq, both),
    ]


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
