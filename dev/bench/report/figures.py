"""What was measured, as a person and as a program read it."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table


@dataclass(frozen=True)
class Series:
    """One quantity, measured once in each run."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def over(self, other: "Series", name: str) -> "Series":
        """How many times ``other`` this is, run by run: what slowed a whole run down cancels out."""
        pairs = zip(self.values, other.values, strict=True)
        return Series(name, "times", tuple(mine / theirs for mine, theirs in pairs))


@dataclass
class Report:
    """All that one command measured."""

    title: str
    series: list[Series] = field(default_factory=list)

    def table(self) -> Table:
        """The median of each series with its extremes."""
        table = Table(title=self.title, title_justify="left")
        for heading in ("", "median", "min", "max", ""):
            table.add_column(heading, justify="right" if heading else "left")
        for series in self.series:
            figures = (series.median, min(series.values), max(series.values))
            table.add_row(series.name, *map(shown, figures), series.unit)
        return table

    def as_json(self) -> str:
        """Every single value, and where it was measured."""
        series = [
            {
                "name": one.name,
                "unit": one.unit,
                "median": one.median,
                "min": min(one.values),
                "max": max(one.values),
                "values": one.values,
            }
            for one in self.series
        ]
        text = {"title": self.title, "machine": describe_machine(), "series": series}
        return json.dumps(text, indent=2, ensure_ascii=False) + "\n"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by ``share`` of all: 0.99 of 60 is the largest."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * 100) * len(ordered) // 100) - 1)]


def describe_machine() -> str:
    """What the figures depend on, in a line."""
    used, there = len(os.sched_getaffinity(0)), os.cpu_count()
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    python = f"Python {platform.python_version()}"
    return f"{used} of {there} cores, {platform.machine()}, {python}; load average {busy}"


def shown(value: float) -> str:
    """A number with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
