"""Report on an import: a CSV file of all remarks, and their summary."""

import csv
import io
from collections import Counter
from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from dev.console import out
from dev.invoices.plan import Plan
from dev.invoices.remarks import Remark
from dev.paths import VAR, make_private_file

REPORT = VAR / "import-report.csv"


def write_report(remarks: Iterable[Remark]) -> None:
    """Write all remarks to the CSV report, by line."""
    text = io.StringIO(newline="")
    report = csv.writer(text)
    report.writerow(["line", "outcome", "invoice", "stock code", "kind", "why"])
    report.writerows([r.line, r.outcome.value, r.invoice, r.sku, r.kind, r.why] for r in remarks)
    make_private_file(REPORT, text.getvalue())


def show_remarks(plan: Plan) -> None:
    """Print the number of lines by outcome, and of remarks by kind, with an example of each."""
    table = Table("kind", "lines", "for example", title="Remarks", title_justify="left")
    remarks = list(plan.remarks)
    for kind, count in Counter(remark.kind for remark in remarks).most_common():
        example = next(remark for remark in remarks if remark.kind == kind)
        text = f"line {example.line}, invoice {example.invoice[:40]}: {example.why}"
        table.add_row(kind, str(count), escape(text))
    out.print(table)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in plan.outcomes.items())
    out.print(f"{plan.lines} lines: {counts}. Every remark, line by line: {REPORT}", soft_wrap=True)
