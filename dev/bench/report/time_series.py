"""A report with a course: what was seen at one moment after the other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table

from dev.bench.report.figures import Report, shown


@dataclass
class Course(Report):
    """A report, and a row of figures for each moment."""

    #: What each row has, with its unit.
    columns: Sequence[str] = ()
    rows: list[Sequence[float]] = field(default_factory=list)
    #: How many of the columns a person is shown.
    wide: int = 99

    def table(self) -> Table:
        """The course, and below it what it comes to."""
        course = Table(title="The last run", title_justify="left")
        for column in self.columns[: self.wide]:
            course.add_column(column, justify="right")
        for row in self.rows:
            course.add_row(*map(shown, row[: self.wide]))
        both = Table.grid(padding=(0, 0, 1, 0))
        both.add_row(course)
        both.add_row(super().table())
        return both

    def as_json(self) -> str:
        """Every single value of both."""
        course = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        text = {**json.loads(super().as_json()), "course": course}
        return json.dumps(text, indent=2, ensure_ascii=False) + "\n"
