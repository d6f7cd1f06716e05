"""Reader of invoices in CSV, plain or gzipped. Unreadable lines become remarks."""

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from dev.errors import ScriptError

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "UnitPrice", "CustomerID", "Country")
_GZIP_MAGIC = b"\x1f\x8b"
_CENT = Decimal("0.01")


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
    price: Decimal
    customer: str
    country: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A line that was left out or changed, and the reason."""

    line: int
    invoice: str
    sku: str
    why: str
    #: Category for the summary.
    kind: str


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
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    head = [name.strip() for name in next(rows, [])]
    if missing := [name for name in COLUMNS if name not in head]:
        raise UnreadableInvoices(f"{path} is no table of invoices: it has no column {', '.join(missing)}.")
    for row in rows:
        if any(row):
            yield _line(rows.line_num, head, row)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise UnreadableInvoices(f"{path} cannot be read: {error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _line(number: int, head: list[str], row: list[str]) -> Line | Remark:
    fields = dict(zip(head, (cell.strip() for cell in row), strict=False))
    invoice, sku = fields.get("InvoiceNo", ""), fields.get("StockCode", "").upper()

    def unreadable(why: str) -> Remark:
        return Remark(number, invoice, sku, why, "cannot be read")

    if len(row) != len(head):
        return unreadable(f"it has {len(row)} columns instead of {len(head)}")
    if not invoice or not sku:
        return unreadable("it has no invoice number" if not invoice else "it has no stock code")
    try:
        quantity = int(fields["Quantity"])
    except ValueError:
        return unreadable(f"the quantity {fields['Quantity']!r} is no whole number")
    price = _amount(fields["UnitPrice"])
    if price is None:
        return unreadable(f"the price {fields['UnitPrice']!r} is no number")
    return Line(
        number, invoice, sku, fields["Description"], quantity, price, fields["CustomerID"], fields["Country"]
    )


def _amount(text: str) -> Decimal | None:
    """Return the price in whole cents, or None if it is no number."""
    try:
        amount = Decimal(text).quantize(_CENT)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
