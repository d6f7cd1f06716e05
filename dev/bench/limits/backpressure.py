"""``script/bench backpressure``: overload with orders, then draining."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.bench import messages, servers
from dev.bench.intake.web import WebShop, client_argv
from dev.bench.layouts import Layout
from dev.bench.report.figures import Series, percentile
from dev.bench.report.time_series import TimeSeries
from dev.bench.servers import HOME
from dev.console import say
from dev.errors import ScriptError, ServerFailed
from dev.processes import children
from shop.settings import CONTEXTS

#: Seconds of orders before the measurement.
_WARM_UP = 3.0
#: Seconds without progress after which draining has failed.
_IDLE_TIMEOUT = 120.0
_QUEUES = [f"{context}.events" for context in CONTEXTS]
#: Columns: time, orders accepted, response times, messages waiting, orders shipped, orders unfinished.
#: The backlog of each queue is only written to the file.
_COLUMNS = (
    *("s", "taken/s", "p50 ms", "p99 ms", "outbox", "queues", "shipped/s", "open"),
    *_QUEUES,
)
_STATE = """
    select (select count(*) from messaging_outboxentry),
           (select count(*) from messaging_scheduledmessage where due_at < now()),
           (select count(*) from orders_order where status not in ('delivered', 'cancelled')),
           (select count(*) from messaging_eventrecord where type = 'shipping.OrderShipped.v2'
              and position > %s),
           (select coalesce(max(id), 0) from messaging_inboxentry)
"""
_LAST = "select coalesce(max(position), 0) from messaging_eventrecord"


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    seconds: float
    clients: int
    #: Orders a second; 0 for as fast as the clients get responses.
    rate: float
    #: Seconds between two samples.
    every: float
    layout: Layout


@dataclass(frozen=True)
class Sample:
    """Backlog at one moment, and orders shipped since the beginning."""

    at: float
    outbox: int
    due: int
    unfinished: int
    shipped: int
    #: Number that grows with each consumed delivery.
    consumed: int
    queues: Sequence[int]

    @property
    def is_quiet(self) -> bool:
        """True if no work is left."""
        return not (self.outbox or self.due or self.unfinished or any(self.queues))


def measure(plan: Plan) -> TimeSeries:
    """Overload and drain the same shop once in each run. The report has the samples of the last run."""
    servers.empty_home()
    pace = f"{plan.rate:g} orders/s" if plan.rate else "all they can"
    report = TimeSeries(
        f"Backpressure: {plan.clients} clients, {pace}, {plan.seconds:g} s, workers: {plan.layout}",
        columns=_COLUMNS,
        shown_columns=8,
    )
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with servers.empty_postgres() as postgres, servers.empty_rabbitmq() as rabbitmq:
        url = postgres.create_database("bench_backpressure")
        shop = WebShop("backpressure", database_url=url, broker_url=rabbitmq.url(), layout=plan.layout)
        shop.prepare()
        with shop:
            experiment = Experiment(shop, rabbitmq.url(), plan)
            experiment.warm_up()
            for run in range(1, plan.runs + 1):
                for name, value in experiment.run(report).items():
                    found[name].append(value)
                shop.audit()
                say(f"run {run} of {plan.runs}: all is drained, and the audit holds")
    report.series = [Series(name, unit, tuple(values)) for (name, unit), values in found.items()]
    return report


@dataclass(frozen=True)
class Experiment:
    """The shop, its broker, and the clients."""

    shop: WebShop
    broker_url: str
    plan: Plan

    def warm_up(self) -> None:
        """Order for a moment, and wait until all is shipped."""
        before, clients = self._last(), self._order(HOME / "warm-up.json", rate=0.0)
        self.shop.sleep(_WARM_UP)
        children.stop_children([clients])
        list(self._drain(before, time.time()))

    def run(self, report: TimeSeries) -> dict[tuple[str, str], float]:
        """Overload the shop, then let it drain; put the samples in the report."""
        file, before, started = HOME / "answers.json", self._last(), time.time()
        busy = list(self._overload(file, before, started))
        stopped = time.time()
        draining = list(self._drain(before, started))
        answers = json.loads(file.read_text())
        report.rows = [*rows_of([*busy, *draining], answers, started)]
        return _summary(answers, stopped - started, busy, draining)

    def _overload(self, file: Path, before: int, started: float) -> Iterator[Sample]:
        clients = self._order(file, rate=self.plan.rate)
        try:
            while time.time() - started < self.plan.seconds:
                self.shop.sleep(self.plan.every)
                if children.has_ended(clients):
                    raise ServerFailed("the clients", "have ended", _log())
                yield self._sample(before, started)
        finally:
            children.stop_children([clients], grace=60)

    def _drain(self, before: int, started: float) -> Iterator[Sample]:
        last, progress = self._sample(before, started), time.monotonic()
        while not last.is_quiet:
            yield last
            self.shop.sleep(self.plan.every)
            now = self._sample(before, started)
            if (now.unfinished, now.consumed) != (last.unfinished, last.consumed):
                progress = time.monotonic()
            if time.monotonic() - progress > _IDLE_TIMEOUT:
                raise ScriptError(f"the shop does not drain: {now}")
            last = now
        yield last

    def _order(self, answers: Path, *, rate: float) -> children.Child:
        argv = client_argv(self.shop, answers, clients=self.plan.clients, rate=rate)
        return children.start_child(argv, env=self.shop.env, log=_log())

    def _last(self) -> int:
        return int(self.shop.rows(_LAST)[0][0])

    def _sample(self, before: int, started: float) -> Sample:
        ((outbox, due, unfinished, shipped, consumed),) = self.shop.rows(_STATE, before)
        with messages.connect(self.broker_url) as connection:
            channel = connection.channel()
            queues = [messages.depth(channel, queue) for queue in _QUEUES]
        sample = Sample(time.time() - started, outbox, due, unfinished, shipped, consumed, queues)
        waiting = f"{outbox:,} in the outbox, {sum(queues):,} in queues"
        say(f"{sample.at:5.0f} s: {waiting}, {unfinished:,} unfinished")
        return sample


def _log() -> Path:
    return HOME / "log" / "clients.log"


def rows_of(
    samples: Sequence[Sample], answers: Sequence[tuple[float, float]], started: float
) -> Iterator[Sequence[float]]:
    """Yield a row for each sample, with response times and shipments since the one before."""
    since, shipped = 0.0, 0
    for sample in samples:
        passed = sample.at - since
        delays = [1000 * delay for moment, delay in answers if since < moment - started <= sample.at]
        p50, p99 = (percentile(delays, share) if delays else 0.0 for share in (0.50, 0.99))
        rates = (len(delays) / passed, (sample.shipped - shipped) / passed)
        waiting = (sample.outbox, sum(sample.queues), rates[1], sample.unfinished)
        yield (sample.at, rates[0], p50, p99, *waiting, *sample.queues)
        since, shipped = sample.at, sample.shipped


def _summary(
    answers: Sequence[tuple[float, float]], seconds: float, busy: Sequence[Sample], draining: Sequence[Sample]
) -> dict[tuple[str, str], float]:
    delays = [1000 * delay for _, delay in answers]
    first, stop, end = busy[0], draining[0], draining[-1]
    drained = end.at - stop.at
    return {
        ("accepted while overloaded", "orders/s"): len(answers) / seconds,
        ("shipped while overloaded", "orders/s"): stop.shipped / stop.at,
        ("consumed while overloaded", "deliveries/s"): _per_second(first, stop),
        ("answered after, p50", "ms"): percentile(delays, 0.50),
        ("answered after, p99", "ms"): percentile(delays, 0.99),
        ("waiting when intake stopped", "messages"): stop.outbox + sum(stop.queues),
        ("unfinished when intake stopped", "orders"): stop.unfinished,
        ("consumed while draining", "deliveries/s"): _per_second(stop, end),
        ("until all was drained", "s"): drained,
    }


def _per_second(first: Sample, last: Sample) -> float:
    return (last.consumed - first.consumed) / (last.at - first.at) if last.at > first.at else 0.0
