"""CSV files, and those of bookings: read row by row, so that each error names its row."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django import forms

from inventory import services
from inventory.bookings import BOOKABLE, Booking, Entry
from inventory.models import MAX_STOCK

COLUMNS = ("kind", "sku", "quantity", "reason")
#: Rows of a file: it is booked in one transaction, and its products are locked meanwhile.
MAX_ROWS = 1_000
#: Characters of a file: in the admin it comes in a form, twice.
MAX_FILE = 200_000
KINDS = [(kind.value, kind.label) for kind in BOOKABLE]
QUANTITY: dict[str, Any] = {"min_value": -MAX_STOCK, "max_value": MAX_STOCK}


class UnreadableFile(Exception):
    """The file is no such table."""


class BookingForm(forms.Form):
    """Fields of a booking."""

    kind = forms.ChoiceField(choices=KINDS)
    quantity = forms.IntegerField(**QUANTITY)
    reason = forms.CharField(
        max_length=200, help_text="Stored with the movement: a delivery note, a cause. Name no persons."
    )


class RowForm(BookingForm):
    """Fields of a row."""

    sku = forms.CharField(max_length=64)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file."""

    #: As spreadsheets count: the header is in the first.
    number: int
    cells: tuple[str, ...]
    #: None if there is an error.
    booking: Booking | None = None
    #: What it would do; only in a preview.
    entry: Entry | None = None
    error: str = ""


def read(text: str) -> list[Row]:
    """Read the rows of a file whose columns are separated by commas, semicolons or tabs.

    Raises:
        UnreadableFile: a column is missing or unknown, or there are no rows, or too many.
    """
    names, table = read_table(text)
    if sorted(names) != sorted(COLUMNS):
        raise UnreadableFile(f"Name the columns in the first row: {', '.join(COLUMNS)}.")
    check_number(table)
    return list(_rows(names, table))


def read_table(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns in lower case, and the rows with their numbers, but for empty ones.

    Raises:
        UnreadableFile: it is no CSV.
    """
    lines = text.lstrip("\ufeff").splitlines()
    header = lines[0] if lines else ""
    reader = csv.reader(lines, delimiter=max(",;\t", key=header.count))
    try:
        table = [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num} cannot be read: {error}.") from error
    names = [cell.strip().lower() for cell in table[0][1]] if table else []
    return names, table[1:]


def check_number(table: list[tuple[int, list[str]]]) -> None:
    """Raise UnreadableFile if there are no rows, or too many."""
    if not 0 < len(table) <= MAX_ROWS:
        raise UnreadableFile(f"Give 1 to {MAX_ROWS:,} rows below the names of the columns.")


def preview(rows: list[Row]) -> list[Row]:
    """Return the rows with what each would do after those above it, or why it is impossible."""
    bookings = [row.booking for row in rows if row.booking]
    outcomes = iter(services.preview(bookings=bookings))
    return [_with_outcome(row, next(outcomes)) if row.booking else row for row in rows]


def _rows(names: list[str], table: list[tuple[int, list[str]]]) -> Iterator[Row]:
    for number, cells in table:
        by_name = dict(zip(names, map(str.strip, cells), strict=False))
        shown = tuple(by_name.get(name, "") for name in COLUMNS)
        if len(cells) != len(names):
            yield Row(number, shown, error=f"{len(cells)} columns instead of {len(names)}")
            continue
        form = RowForm({**by_name, "kind": by_name["kind"].lower()})
        if form.is_valid():
            yield Row(number, shown, Booking(**form.cleaned_data))
        else:
            yield Row(number, shown, error=_describe(form))


def _describe(form: forms.Form) -> str:
    return " ".join(f"{name}: {error}" for name, errors in form.errors.items() for error in errors)


def _with_outcome(row: Row, outcome: Entry | Exception) -> Row:
    if isinstance(outcome, Entry):
        return replace(row, entry=outcome)
    return replace(row, error=str(outcome))
