"""Report with a time series: rows of samples besides the totals."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table

from dev.bench.report.figures import Report, shown


@dataclass
class TimeSeries(Report):
    """A report with a row of figures for each sample."""

    #: Name of each column with its unit.
    columns: Sequence[str] = ()
    rows: list[Sequence[float]] = field(default_factory=list)
    #: Number of columns in the printed table.
    shown_columns: int = 99

    def table(self) -> Table:
        """Return the samples and, below them, the totals."""
        samples = Table(title="The last run", title_justify="left")
        for column in self.columns[: self.shown_columns]:
            samples.add_column(column, justify="right")
        for row in self.rows:
            samples.add_row(*map(shown, row[: self.shown_columns]))
        both = Table.grid(padding=(0, 0, 1, 0))
        both.add_row(samples)
        both.add_row(super().table())
        return both

    def as_json(self) -> str:
        """Return all values of both."""
        samples = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        text = {**json.loads(super().as_json()), "course": samples}
        return json.dumps(text, indent=2, ensure_ascii=False) + "\n"
