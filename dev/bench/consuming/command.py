"""``script/bench consume``: deliveries/s from a full queue."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dev.bench import messages, servers
from dev.bench.consuming import bare, contestants
from dev.bench.consuming.contestants import Contestant, Cost, Servers
from dev.bench.consuming.context.events import ParcelMeasured, ParcelWeighed
from dev.bench.report.figures import Report, Series
from dev.bench.servers import HOME
from dev.console import say
from dev.processes import programs

_BATCHES, _SINGLY = "shop, in batches", "shop, one by one"


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    #: Number of events in the queue.
    events: int
    #: Measure the competitors, too.
    competitors: bool


def measure(plan: Plan) -> Report:
    """Measure every contestant once in each run, on the same servers."""
    with prepared() as where:
        measured = _contestants(plan, where)
        costs: dict[str, list[Cost]] = defaultdict(list)
        for run in range(1, plan.runs + 1):
            for contestant in measured:
                costs[contestant.name].append(cost := contestant.consume(plan.events))
                used = ", ".join(f"{name} {us:,.0f}" for name, us in cost.cpu.items())
                rate = f"{cost.rate:,.0f} deliveries/s"
                say(f"run {run} of {plan.runs}: {contestant.name}: {rate}; us of CPU: {used}")
    return _report(plan, costs)


@contextlib.contextmanager
def prepared() -> Iterator[Servers]:
    """Start empty servers with the tables and queues of all contestants."""
    servers.empty_home()
    with servers.empty_postgres() as postgres, servers.empty_rabbitmq() as rabbitmq:
        pids = {"PostgreSQL": servers.pid_of(postgres), "RabbitMQ": servers.pid_of(rabbitmq)}
        where = Servers(postgres.create_database("bench_consume"), rabbitmq.url(), pids)
        _make_tables(where)
        _make_queue(where)
        yield where


def _make_tables(where: Servers) -> None:
    env = contestants.environment(where)
    for command in (["migrate", "--no-input", "--skip-checks", "--run-syncdb"], ["declare_bench_queue"]):
        log = HOME / "log" / f"{command[0]}.log"
        programs.run_python(env, "manage.py", *command, log=log)


def _make_queue(where: Servers) -> None:
    with messages.connect(where.broker_url) as connection:
        channel = connection.channel()
        channel.queue_declare(
            bare.QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        channel.queue_bind(bare.QUEUE, messages.EXCHANGE, bare.QUEUE)


def _contestants(plan: Plan, where: Servers) -> list[Contestant]:
    shop_contestants = [
        contestants.shop(where, ParcelWeighed, _BATCHES),
        contestants.shop(where, ParcelMeasured, _SINGLY),
    ]
    if not plan.competitors:
        return shop_contestants
    return [
        *shop_contestants,
        contestants.naive(where, keep=False),
        contestants.naive(where, keep=True),
        contestants.bare_loop(where),
    ]


def _report(plan: Plan, costs: dict[str, list[Cost]]) -> Report:
    rates = {
        name: Series(name, "deliveries/s", tuple(cost.rate for cost in each)) for name, each in costs.items()
    }
    report = Report(f"Consuming: {plan.events:,} events from one queue, one worker", [*rates.values()])
    report.series += [
        rates[_BATCHES].over(other, f"{_BATCHES} / {name}")
        for name, other in rates.items()
        if name != _BATCHES
    ]
    for name, each in costs.items():
        report.series += _cpu(name, each)
    return report


def _cpu(name: str, costs: Sequence[Cost]) -> Iterator[Series]:
    for process in costs[0].cpu:
        used = tuple(cost.cpu.get(process, 0.0) for cost in costs)
        yield Series(f"{name}: CPU of {process}", "us/delivery", used)
