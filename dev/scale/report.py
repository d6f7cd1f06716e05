"""Report of script/scale: time line, throughput, cost, sizes and limits as tables, and all of it as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from rich.table import Table

from dev.bench.report.figures import describe_machine, shown
from dev.console import out
from dev.scale import sizing
from dev.scale.cost import Cost
from dev.scale.sizing import Sessions
from dev.scale.throughput import Throughput
from dev.scale.waves import Sample

#: Rows of the printed time line at most.
_ROWS = 40
#: Columns of a table where the output is no wide terminal.
_WIDTH = 130


@dataclass
class Report:
    """Everything that a run has found."""

    samples: list[Sample] = field(default_factory=list)
    #: Accepted orders, workers started, stopped by themselves and killed.
    accepted: int = 0
    started: int = 0
    stopped: int = 0
    killed: int = 0
    #: What is lost, twice, or wrong in the books.
    wrong: list[str] = field(default_factory=list)
    cost: Cost | None = None
    throughput: list[Throughput] = field(default_factory=list)
    sessions: Sessions | None = None

    def show(self) -> None:
        """Print all tables."""
        _print(_timeline(self.samples))
        most = max(sample.workers for sample in self.samples)
        out.print(
            f"{self.accepted:,} orders accepted; workers 1 to {most} and back to {self.samples[-1].workers}: "
            f"{self.started} started, {self.stopped} stopped by themselves, {self.killed} killed."
        )
        out.print("Nothing is lost, and nothing is there twice." if not self.wrong else "\n".join(self.wrong))
        if self.throughput:
            _print(_throughput(self.throughput))
        if self.cost:
            _print(_costs(self.cost))
        if self.cost and self.sessions:
            _print(_sizes(self.cost, self.sessions))
            _print(_limits(self.cost, self.sessions))
        out.print(describe_machine(), style="dim")

    def as_json(self) -> str:
        """Return everything as JSON."""
        found = asdict(self) | {"machine": describe_machine()}
        found["throughput"] = [
            {
                "workers": str(one.layout),
                "shipped": one.outcome.shipped_rate,
                "done": one.outcome.done_rate,
                "cpu": one.outcome.cost(),
                "connections": one.connections,
            }
            for one in self.throughput
        ]
        return json.dumps(found, indent=2, default=str) + "\n"


def _print(table: Table) -> None:
    out.print(table, width=max(out.width, _WIDTH), crop=False)


def _table(title: str, *columns: str, words: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in words else "right")
    return table


def _timeline(samples: Sequence[Sample]) -> Table:
    columns = (
        "s",
        "accepted",
        "depth",
        "asked",
        "workers",
        "stopping",
        "shipped/s",
        "done/s",
        "CPU",
        "MB",
        "load",
    )
    table = _table("Waves: depth of the deepest queue, and workers", *columns)
    every = -(-len(samples) // _ROWS)
    for number, (before, now) in enumerate(pairwise(samples)):
        if number % every and now.asked == before.asked:
            continue
        passed = now.at - before.at
        rates = ((now.shipped - before.shipped) / passed, (now.consumed - before.consumed) / passed)
        counts = (now.depth, now.asked, now.workers, now.leaving)
        table.add_row(
            f"{now.at:.0f}",
            f"{now.accepted:,}",
            *(f"{count:,}" for count in counts),
            *(f"{rate:,.0f}" for rate in rates),
            f"{(now.cpu - before.cpu) / passed:.2f}",
            f"{now.memory:,.0f}",
            f"{now.load:.1f}",
        )
    return table


def _throughput(found: Sequence[Throughput]) -> Table:
    table = _table(
        "A backlog by workers (x processes)",
        "workers",
        "shipped/s",
        "done/s",
        "CPU ms an order",
        "ratio",
        "sessions",
    )
    first = found[0].outcome.shipped_rate
    for one in found:
        outcome = one.outcome
        figures = (
            outcome.shipped_rate,
            outcome.done_rate,
            outcome.cost()["all"],
            outcome.shipped_rate / first,
        )
        table.add_row(str(one.layout), *map(shown, figures), str(one.connections))
    return table


def _costs(cost: Cost) -> Table:
    table = _table("Cost of an order", "", "value", "unit", words=("", "unit"))
    for stage, ms in cost.cpu.items():
        table.add_row(f"CPU: {stage}", f"{ms:.2f}", "ms")
    table.add_row("CPU: all", f"{cost.total:.2f}", "ms")
    for what, value, unit in (
        ("events in the log", cost.events, ""),
        ("deliveries", cost.deliveries, ""),
        ("database with indexes", cost.stored / 1000, "KB"),
        ("of these the log", cost.logged / 1000, "KB"),
        ("WAL", cost.wal / 1000, "KB"),
    ):
        table.add_row(what, f"{value:.1f}", unit)
    return table


def _sizes(cost: Cost, sessions: Sessions) -> Table:
    table = _table(
        f"Sizes, each core to {sizing.USED:.0%}",
        *("orders/s", "web", "relays", "worker processes", "sessions", "PostgreSQL cores", "RabbitMQ cores"),
        *("events/s", "WAL MB/s", "GB a day"),
    )
    for rate in sizing.RATES:
        one = sizing.size(rate, cost, sessions)
        counts = (
            rate,
            one.web,
            one.relays,
            one.workers,
            one.connections,
            one.postgres_cores,
            one.rabbitmq_cores,
        )
        table.add_row(
            *(f"{count:,}" for count in counts), *map(shown, (one.events, one.wal_mb, one.gb_a_day))
        )
    return table


def _limits(cost: Cost, sessions: Sessions) -> Table:
    words = ("gives way", "remedy", "passed at")
    table = _table("What gives way, in this order", "orders/s", *words, words=words)
    for limit in sizing.limits(cost, sessions):
        passed = ", ".join(f"{rate:,}/s" for rate in _passing(limit.rate)) or "-"
        table.add_row(shown(limit.rate), limit.what, limit.remedy, passed)
    return table


def _passing(limit: float) -> Iterator[int]:
    return (rate for rate in sizing.RATES if rate > limit)
