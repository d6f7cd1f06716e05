"""``script/bench intake``: orders/s over HTTP, compared with the same transaction without HTTP."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from dev.bench import servers
from dev.bench.deployment import embedded_broker
from dev.bench.intake.web import WebAlone, client_argv, direct_argv
from dev.bench.report.cpu import Meter
from dev.bench.report.figures import Report, Series, percentile
from dev.bench.servers import HOME
from dev.console import say
from dev.errors import ScriptError, ServerFailed
from dev.processes import children

_DIRECT = "without HTTP, two processes"
#: Share of the orders before the clock starts, so that code is warm.
_WARM_UP = 0.2
#: Seconds without a new order after which the measurement fails.
_IDLE_TIMEOUT = 30.0
_POLL_INTERVAL = 0.01
#: Number of orders: each appends one event, and no consumer follows.
_PLACED = "select coalesce(max(position), 0) from messaging_eventrecord"


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    orders: int
    clients: int
    server: str


@dataclass(frozen=True)
class Cost:
    """Cost of an order."""

    rate: float
    #: CPU milliseconds by process.
    cpu: dict[str, float]
    #: Time at which the clock started.
    since: float
    #: Milliseconds of each response.
    delays: list[float] = field(default_factory=list)


def measure(plan: Plan) -> Report:
    """Measure both ways once in each run, on the same servers."""
    servers.empty_home()
    with servers.empty_postgres() as postgres:
        url = postgres.create_database("bench_intake")
        shop = WebAlone("intake", database_url=url, broker_url=embedded_broker(postgres))
        shop.server = plan.server
        shop.prepare()
        with shop:
            pids = {"PostgreSQL": servers.pid_of(postgres)}
            return _report(plan, _run(plan, Experiment(shop, pids, plan)))


@dataclass(frozen=True)
class Experiment:
    """The shop and the two ways of placing orders."""

    shop: WebAlone
    pids: dict[str, int]
    plan: Plan

    def over_http(self) -> Cost:
        """Let customers order over the API."""
        answers = HOME / "answers.json"
        argv = client_argv(self.shop, answers, clients=self.plan.clients)
        cost = self._measure([argv], {**self.pids, **self.shop.pids()}, "clients")
        delays = [1000 * delay for moment, delay in json.loads(answers.read_text()) if moment > cost.since]
        return replace(cost, delays=delays)

    def directly(self) -> Cost:
        """Let two processes call the service."""
        return self._measure([direct_argv(self.shop, seed) for seed in (1, 2)], self.pids, "Python")

    def _measure(self, programs: Sequence[Sequence[str]], pids: dict[str, int], name: str) -> Cost:
        log, target = HOME / "log" / f"{name}.log", self._placed() + self.plan.orders
        running = [children.start_child(argv, env=self.shop.env, log=log) for argv in programs]
        try:
            first = self._await(target - int(self.plan.orders * (1 - _WARM_UP)), running)
            meter = Meter({**pids, **{f"{name}{n}": child.pid for n, child in enumerate(running)}})
            since, started = time.time(), time.perf_counter()
            with meter.running():
                placed = self._await(target, running) - first
            seconds = time.perf_counter() - started
        finally:
            children.stop_children(running)
        return Cost(placed / seconds, _by_process(meter.seconds, placed, name), since)

    def _placed(self) -> int:
        return int(self.shop.rows(_PLACED)[0][0])

    def _await(self, count: int, running: Sequence[children.Child]) -> int:
        seen, progress = 0, time.monotonic()
        while (now := self._placed()) < count:
            if any(map(children.has_ended, running)):
                raise ServerFailed("placing orders", "has ended", HOME / "log")
            if now > seen:
                seen, progress = now, time.monotonic()
            if time.monotonic() - progress > _IDLE_TIMEOUT:
                raise ScriptError(f"no order was placed for {_IDLE_TIMEOUT:.0f} s: see {HOME}.")
            self.shop.sleep(_POLL_INTERVAL)
        return now


def _by_process(seconds: dict[str, float], placed: int, several: str) -> dict[str, float]:
    """Return the CPU milliseconds of an order, adding up processes of the same kind."""
    used: dict[str, float] = defaultdict(float)
    for name, value in seconds.items():
        used[several if name.startswith(several) else name] += 1000 * value / placed
    return dict(used)


def _run(plan: Plan, experiment: Experiment) -> dict[str, list[Cost]]:
    over_http = f"over HTTP, {plan.server}, {plan.clients} clients"
    ways: dict[str, Callable[[], Cost]] = {over_http: experiment.over_http, _DIRECT: experiment.directly}
    costs: dict[str, list[Cost]] = defaultdict(list)
    for run in range(1, plan.runs + 1):
        for name, place in ways.items():
            costs[name].append(cost := place())
            used = ", ".join(f"{process} {ms:.2f}" for process, ms in cost.cpu.items())
            say(f"run {run} of {plan.runs}: {name}: {cost.rate:,.0f} orders/s; ms of CPU: {used}")
    return costs


def _report(plan: Plan, costs: dict[str, list[Cost]]) -> Report:
    http, direct = (
        Series(name, "orders/s", tuple(cost.rate for cost in each)) for name, each in costs.items()
    )
    report = Report(
        f"Intake: {plan.orders:,} orders", [http, direct, http.over(direct, "over HTTP / without")]
    )
    for name, each in costs.items():
        report.series += _details(name.split(",")[0], each)
    return report


def _details(name: str, costs: Sequence[Cost]) -> Iterator[Series]:
    if costs[0].delays:
        for share in (0.50, 0.99):
            delays = tuple(percentile(cost.delays, share) for cost in costs)
            yield Series(f"{name}: answered after, p{100 * share:.0f}", "ms", delays)
    for process in costs[0].cpu:
        yield Series(f"{name}: CPU of {process}", "ms/order", tuple(cost.cpu[process] for cost in costs))
