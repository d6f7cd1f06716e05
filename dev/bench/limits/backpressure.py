"""``script/bench backpressure``: more orders than the chain can follow, until they stop and all drains."""

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
from dev.bench.report.time_series import Course
from dev.bench.servers import HOME
from dev.console import say
from dev.errors import ScriptError, ServerFailed
from dev.processes import children
from shop.settings import CONTEXTS

#: Orders' seconds before anything is measured.
_WARM_UP = 3.0
#: Seconds without any change after which what waits will not drain.
_PATIENCE = 120.0
_QUEUES = [f"{context}.events" for context in CONTEXTS]
#: Time, orders taken in, how soon they were answered, what waits, orders shipped, orders not finished; and
#: what waits in each queue, which only the file tells.
_COLUMNS = (
    *("s", "taken/s", "p50 ms", "p99 ms", "outbox", "queues", "shipped/s", "open"),
    *_QUEUES,
)
_STATE = """
    select (select count(*) from messaging_outboxentry),
           (select count(*) from messaging_scheduledmessage where due_at < now()),
           (select count(*) from orders_order where status not in ('delivered', 'cancelled')),
           (select count(*) from messaging_eventrecord where type = 'shipping.OrderShipped.v1'
              and position > %s),
           (select coalesce(max(id), 0) from messaging_inboxentry)
"""
_LAST = "select coalesce(max(position), 0) from messaging_eventrecord"


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    runs: int
    seconds: float
    clients: int
    #: Orders a second; 0 for as many as the clients get answers to.
    rate: float
    #: Seconds between two looks.
    every: float
    layout: Layout


@dataclass(frozen=True)
class Look:
    """What waits at one moment, and what has been shipped since the beginning."""

    at: float
    outbox: int
    due: int
    unfinished: int
    shipped: int
    #: Grows with each delivery that a consumer has consumed.
    consumed: int
    queues: Sequence[int]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.outbox or self.due or self.unfinished or any(self.queues))


def measure(plan: Plan) -> Course:
    """Overload and drain the same shop once in each run; the course is that of the last run."""
    servers.empty_home()
    pace = f"{plan.rate:g} orders/s" if plan.rate else "all they can"
    course = Course(
        f"Backpressure: {plan.clients} clients, {pace}, {plan.seconds:g} s, workers: {plan.layout}",
        columns=_COLUMNS,
        wide=8,
    )
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with servers.empty_postgres() as postgres, servers.empty_rabbitmq() as rabbitmq:
        url = postgres.create_database("bench_backpressure")
        shop = WebShop("backpressure", database_url=url, broker_url=rabbitmq.url(), layout=plan.layout)
        shop.prepare()
        with shop:
            scene = Scene(shop, rabbitmq.url(), plan)
            scene.warm_up()
            for run in range(1, plan.runs + 1):
                for name, value in scene.run(course).items():
                    found[name].append(value)
                shop.audit()
                say(f"run {run} of {plan.runs}: all is drained, and the audit holds")
    course.series = [Series(name, unit, tuple(values)) for (name, unit), values in found.items()]
    return course


@dataclass(frozen=True)
class Scene:
    """A shop, its broker, and the crowd that orders."""

    shop: WebShop
    broker_url: str
    plan: Plan

    def warm_up(self) -> None:
        """Order for a moment, and let all of it arrive."""
        before, crowd = self._last(), self._order(HOME / "warm-up.json", rate=0.0)
        self.shop.sleep(_WARM_UP)
        children.stop_children([crowd])
        list(self._drain(before, time.time()))

    def run(self, course: Course) -> dict[tuple[str, str], float]:
        """Overload the shop, then let it drain; the looks are the course."""
        file, before, started = HOME / "answers.json", self._last(), time.time()
        busy = list(self._overload(file, before, started))
        stopped = time.time()
        draining = list(self._drain(before, started))
        answers = json.loads(file.read_text())
        course.rows = [*rows_of([*busy, *draining], answers, started)]
        return _summary(answers, stopped - started, busy, draining)

    def _overload(self, file: Path, before: int, started: float) -> Iterator[Look]:
        crowd = self._order(file, rate=self.plan.rate)
        try:
            while time.time() - started < self.plan.seconds:
                self.shop.sleep(self.plan.every)
                if children.has_ended(crowd):
                    raise ServerFailed("the clients", "have ended", _log())
                yield self._look(before, started)
        finally:
            children.stop_children([crowd], grace=60)

    def _drain(self, before: int, started: float) -> Iterator[Look]:
        last, progress = self._look(before, started), time.monotonic()
        while not last.is_quiet:
            yield last
            self.shop.sleep(self.plan.every)
            now = self._look(before, started)
            if (now.unfinished, now.consumed) != (last.unfinished, last.consumed):
                progress = time.monotonic()
            if time.monotonic() - progress > _PATIENCE:
                raise ScriptError(f"the shop does not drain: {now}")
            last = now
        yield last

    def _order(self, answers: Path, *, rate: float) -> children.Child:
        argv = client_argv(self.shop, answers, clients=self.plan.clients, rate=rate)
        return children.start_child(argv, env=self.shop.env, log=_log())

    def _last(self) -> int:
        return int(self.shop.rows(_LAST)[0][0])

    def _look(self, before: int, started: float) -> Look:
        ((outbox, due, unfinished, shipped, consumed),) = self.shop.rows(_STATE, before)
        with messages.connect(self.broker_url) as connection:
            channel = connection.channel()
            queues = [messages.depth(channel, queue) for queue in _QUEUES]
        look = Look(time.time() - started, outbox, due, unfinished, shipped, consumed, queues)
        waiting = f"{outbox:,} in the outbox, {sum(queues):,} in queues"
        say(f"{look.at:5.0f} s: {waiting}, {unfinished:,} unfinished")
        return look


def _log() -> Path:
    return HOME / "log" / "clients.log"


def rows_of(
    looks: Sequence[Look], answers: Sequence[tuple[float, float]], started: float
) -> Iterator[Sequence[float]]:
    """A row for each look, with what was answered and shipped since the one before."""
    since, shipped = 0.0, 0
    for look in looks:
        passed = look.at - since
        delays = [1000 * delay for moment, delay in answers if since < moment - started <= look.at]
        p50, p99 = (percentile(delays, share) if delays else 0.0 for share in (0.50, 0.99))
        rates = (len(delays) / passed, (look.shipped - shipped) / passed)
        waiting = (look.outbox, sum(look.queues), rates[1], look.unfinished)
        yield (look.at, rates[0], p50, p99, *waiting, *look.queues)
        since, shipped = look.at, look.shipped


def _summary(
    answers: Sequence[tuple[float, float]], seconds: float, busy: Sequence[Look], draining: Sequence[Look]
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


def _per_second(first: Look, last: Look) -> float:
    return (last.consumed - first.consumed) / (last.at - first.at) if last.at > first.at else 0.0
