"""Reports: measured series as a table and as JSON."""

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
        """Return the ratio to ``other``, run by run: a slow run of the machine cancels out."""
        pairs = zip(self.values, other.values, strict=True)
        return Series(name, "times", tuple(mine / theirs for mine, theirs in pairs))


@dataclass
class Report:
    """The series of one measurement."""

    title: str
    series: list[Series] = field(default_factory=list)

    def table(self) -> Table:
        """Return the table of medians, minima and maxima."""
        table = Table(title=self.title, title_justify="left")
        for heading in ("", "median", "min", "max", ""):
            table.add_column(heading, justify="right" if heading else "left")
        for series in self.series:
            figures = (series.median, min(series.values), max(series.values))
            table.add_row(series.name, *map(shown, figures), series.unit)
        return table

    def as_json(self) -> str:
        """Return all values and a description of the machine."""
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
    """Return the smallest value that ``share`` of all values do not exceed: 0.99 of 60 is the largest."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * 100) * len(ordered) // 100) - 1)]


def describe_machine() -> str:
    """Return cores, architecture, Python version and load average in one line."""
    used, there = len(os.sched_getaffinity(0)), os.cpu_count()
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    python = f"Python {platform.python_version()}"
    return f"{used} of {there} cores, {platform.machine()}, {python}; load average {busy}"


def shown(value: float) -> str:
    """Format a number with three significant digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
