"""Reader of invoices in CSV, plain or gzipped. Unreadable lines become remarks.

Each line of the file is read by itself, so that a stray quote spoils no other.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from io import StringIO
from itertools import islice
from pathlib import Path

from dev.errors import ScriptError
from dev.invoices.remarks import Remark

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "UnitPrice", "CustomerID", "Country")
_GZIP_MAGIC = b"\x1f\x8b"
_CENT = Decimal("0.01")
#: Whole numbers, also as spreadsheets write them: 6.0.
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,18})(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)


class UnreadableInvoices(ScriptError):
    """The file is no table of invoices."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file."""

    #: Line number; the header is line 1.
    number: int
    invoice: str
    sku: str
    description: str
    quantity: int
    #: In whole cents.
    price: Decimal
    customer: str
    country: str
    #: The price as the file has it.
    stated_price: Decimal


@dataclass
class Invoice:
    """The lines of one invoice number. A number that starts with C marks a cancellation."""

    number: str
    lines: list[Line] = field(default_factory=list)

    @property
    def is_cancellation(self) -> bool:
        return self.number.upper().startswith("C")


def read_invoices(path: Path, limit: int | None = None) -> tuple[list[Invoice], list[Remark]]:
    """Return the first ``limit`` invoices in file order, and remarks on unreadable lines."""
    invoices: dict[str, Invoice] = {}
    remarks = []
    for read in _read(path):
        if isinstance(read, Remark):
            remarks.append(read)
        else:
            invoices.setdefault(read.invoice, Invoice(read.invoice)).lines.append(read)
    return list(islice(invoices.values(), limit)), remarks


def _read(path: Path) -> Iterator[Line | Remark]:
    lines = enumerate(StringIO(_text(path), newline=None), start=1)
    head = [name.strip() for name in _cells(next(lines, (1, ""))[1]) or []]
    if missing := [name for name in COLUMNS if name not in head]:
        raise UnreadableInvoices(f"{path} is no table of invoices: it has no column {', '.join(missing)}.")
    for number, text in lines:
        if text.strip():
            yield _line(number, head, text)


def _text(path: Path) -> str:
    """Return the text of a file in UTF-8 or, failing that, in Windows-1252."""
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableInvoices(f"{path} cannot be read: {error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _cells(text: str) -> list[str] | None:
    """Return the cells of one line; None if its quotes cannot be right."""
    try:
        return next(csv.reader([text.rstrip("\n")], strict=True), [])
    except csv.Error:
        return None


def _line(number: int, head: list[str], text: str) -> Line | Remark:
    row = _cells(text)
    cells = text.split(",") if row is None else row
    fields = dict(zip(head, (cell.strip() for cell in cells), strict=False))
    invoice, sku = fields.get("InvoiceNo", ""), _sku(fields.get("StockCode", ""))
    quantity = _quantity(fields.get("Quantity", ""))
    price = _amount(fields.get("UnitPrice", ""))
    if why := _unreadable(head, row, text, fields, quantity, price):
        return Remark(number, invoice, sku, why, "cannot be read")
    assert quantity is not None and price is not None  # noqa: S101, PT018 - else unreadable
    return Line(
        number,
        invoice,
        sku,
        fields["Description"],
        quantity,
        price.quantize(_CENT, ROUND_HALF_UP),
        fields["CustomerID"],
        fields["Country"],
        price,
    )


def _unreadable(
    head: list[str],
    row: list[str] | None,
    text: str,
    fields: dict[str, str],
    quantity: int | None,
    price: Decimal | None,
) -> str:
    """Return what makes a line unreadable; empty if nothing does."""
    if row is None:
        return "its quotes do not match, or a cell is too long"
    if "\0" in text:
        return "it contains NUL"
    if len(row) != len(head):
        return f"it has {len(row)} columns instead of {len(head)}"
    if not fields["InvoiceNo"] or not fields["StockCode"]:
        return "it has no invoice number" if not fields["InvoiceNo"] else "it has no stock code"
    if quantity is None:
        return f"the quantity {fields['Quantity'][:40]!r} is no whole number"
    return f"the price {fields['UnitPrice'][:40]!r} is no number" if price is None else ""


def _sku(text: str) -> str:
    """Return a stock code in capitals. Other letters have capitals that are other codes."""
    return text.upper() if text.isascii() else text


def _quantity(text: str) -> int | None:
    match = _WHOLE_NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _amount(text: str) -> Decimal | None:
    """Return a price; None if it is no number, or one that cannot be written in cents."""
    if not _NUMBER.fullmatch(text):
        return None
    amount = Decimal(text)
    try:
        amount.quantize(_CENT)
    except InvalidOperation:
        return None
    return amount
