"""``script/bench growth``: runs the simulation in a process of the shop's own and reports its results."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from dev.bench import servers
from dev.bench.report.figures import Report, Series, shown
from dev.console import say
from dev.errors import ScriptError
from dev.paths import ROOT
from dev.processes import programs


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    days: int
    orders_per_day: int
    #: Size to which the log alone grows after the days; 0 for none.
    log_events: int
    #: Number of times that each operation is timed.
    samples: int
    #: Sizes of the shops to compare instead, ascending.
    orders: tuple[int, ...] = ()


class Stages(Report):
    """Report on operations at several stages: a column for each stage."""

    def table(self) -> Table:
        """Return the median at each stage."""
        table = Table(title=self.title, title_justify="left")
        names, stages = [list(dict.fromkeys(part)) for part in zip(*self._keys(), strict=True)]
        for heading in ("", *stages, "last / first", ""):
            table.add_column(heading, justify="right" if heading else "left", no_wrap=bool(heading))
        for name in names:
            cells = {stage: series for (n, stage), series in self._keys().items() if n == name}
            medians = [shown(cells[stage].median) if stage in cells else "" for stage in stages]
            table.add_row(name, *medians, _growth([*cells.values()]), next(iter(cells.values())).unit)
        return table

    def _keys(self) -> dict[tuple[str, str], Series]:
        parts = {series.name.rpartition(": "): series for series in self.series}
        return {(name, stage): series for (name, _, stage), series in parts.items()}


def _growth(series: list[Series]) -> str:
    """Return the ratio of last to first, pair by pair if they were measured in turn."""
    first, last = series[0], series[-1]
    if len(series) < 2 or not all(first.values):
        return ""
    if len(first.values) == len(last.values):
        return f"{last.over(first, 'growth').median:.2f}"
    return f"{last.median / first.median:.2f}"


def measure(plan: Plan) -> Report:
    """Measure on an empty PostgreSQL with default durability."""
    servers.empty_home()
    sizes = ", ".join(f"{size:,}" for size in plan.orders)
    what = f"{sizes} orders" if sizes else f"{plan.days} days of {plan.orders_per_day:,} orders"
    report = Stages(f"Growth: {what}, medians of {plan.samples}")
    with servers.empty_postgres() as postgres:
        url = postgres.create_database("bench_growth")
        for line in _simulate(plan, programs.environment(database_url=url, broker_url="memory://")):
            if "message" in line:
                say(line["message"])
            else:
                report.series.append(Series(line["name"], line["unit"], tuple(line["values"])))
    return report


def _simulate(plan: Plan, env: dict[str, str]) -> Iterator[dict[str, Any]]:
    quiet = ("-W", "ignore:No directory at")  # WhiteNoise serves from the apps' folders
    argv = [sys.executable, *quiet, "-m", "dev.bench.growth", json.dumps(asdict(plan))]
    with subprocess.Popen(argv, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout  # noqa: S101 - a pipe
        yield from map(json.loads, child.stdout)
    if child.returncode:
        raise ScriptError(f"the simulation failed: exit code {child.returncode}, see above.")
