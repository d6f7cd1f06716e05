"""CSV files, and those of bookings: read row by row, so that each error names its row."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from inventory import services
from inventory.bookings import BOOKABLE, Booking, Entry
from inventory.models import MAX_STOCK

COLUMNS = ("kind", "sku", "quantity", "reason")
#: Rows of a file: it is booked in one transaction, and its products are locked meanwhile.
MAX_ROWS = 1_000
#: Characters of a file: in the admin it comes in a form, twice.
MAX_FILE = 200_000
KINDS = [(kind.value, gettext_lazy(str(kind.label))) for kind in BOOKABLE]
QUANTITY: dict[str, Any] = {"min_value": -MAX_STOCK, "max_value": MAX_STOCK}


class UnreadableFile(Exception):
    """The file is no such table."""


class BookingForm(forms.Form):
    """Fields of a booking."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    quantity = forms.IntegerField(label=_("Quantity"), **QUANTITY)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("Stored with the movement: a delivery note, a cause. Name no persons."),
    )


class RowForm(BookingForm):
    """Fields of a row."""

    sku = forms.CharField(label=_("SKU"), max_length=64)


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
        text = gettext("Name the columns in the first row: {columns}.")
        raise UnreadableFile(text.format(columns=", ".join(COLUMNS)))
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
        text = gettext("Line {number} cannot be read: {error}.")
        raise UnreadableFile(text.format(number=reader.line_num, error=error)) from error
    names = [cell.strip().lower() for cell in table[0][1]] if table else []
    return names, table[1:]


def check_number(table: list[tuple[int, list[str]]]) -> None:
    """Raise UnreadableFile if there are no rows, or too many."""
    if not 0 < len(table) <= MAX_ROWS:
        text = gettext("Give 1 to {number} rows below the names of the columns.")
        raise UnreadableFile(text.format(number=f"{MAX_ROWS:,}"))


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
            yield Row(number, shown, error=wrong_number(cells, names))
            continue
        form = RowForm({**by_name, "kind": by_name["kind"].lower()})
        if form.is_valid():
            yield Row(number, shown, Booking(**form.cleaned_data))
        else:
            yield Row(number, shown, error=_describe(form))


def wrong_number(cells: list[str], names: list[str]) -> str:
    """Say that a row has another number of columns than the file has names."""
    return gettext("{number} columns instead of {names}").format(number=len(cells), names=len(names))


def _describe(form: forms.Form) -> str:
    return " ".join(f"{name}: {error}" for name, errors in form.errors.items() for error in errors)


def _with_outcome(row: Row, outcome: Entry | Exception) -> Row:
    if isinstance(outcome, Entry):
        return replace(row, entry=outcome)
    return replace(row, error=str(outcome))
