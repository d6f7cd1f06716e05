"""CSV files of products: a preview with an error a row, then all rows or none; and the same as an export.

django-import-export reads the rows and tells what they change. Writing is the catalogue's service, so that a
new product comes with its movement, and no file touches the stock.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext
from import_export import fields, resources, widgets
from import_export.instance_loaders import CachedInstanceLoader
from import_export.results import RowResult
from tablib import Dataset

from inventory import services
from inventory.booking_files import UnreadableFile, check_number, read_table, wrong_number
from inventory.errors import UnknownCategory
from inventory.models import Category, Product

#: Columns of a file: SKU, name and price of a new product, others as they are given.
COLUMNS = ("sku", *Product.OFFER)
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}
#: First characters of a text that spreadsheets take for a formula; the export puts an apostrophe before.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class YesOrNo(widgets.Widget):  # type: ignore[misc]  # the library has no types
    """A truth value. Other words are errors, where the library takes them for no."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        """Read a cell."""
        word = str(value).strip().lower()
        if word not in _YES | _NO:
            raise ValueError(gettext("Write yes or no."))
        return word in _YES


class Amount(widgets.Widget):  # type: ignore[misc]  # the library has no types
    """A price."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Decimal:
        """Read a cell."""
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValueError(gettext("Write the price as in 12.50.")) from None


class Slug(widgets.Widget):  # type: ignore[misc]  # the library has no types
    """Slug of a category that exists. An empty cell means none."""

    @cached_property
    def known(self) -> frozenset[str]:
        """Slugs of all categories, read once a file."""
        return frozenset(Category.objects.values_list("slug", flat=True))

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str | None:
        """Read a cell."""
        slug = str(value).strip()
        if slug and slug not in self.known:
            raise ValueError(str(UnknownCategory(slug=slug)))
        return slug or None


class ProductResource(resources.ModelResource):  # type: ignore[misc]  # the library has no types
    """Products as rows of a file."""

    category = fields.Field("category_id", "category", widget=Slug())
    price = fields.Field("price", "price", widget=Amount())
    active = fields.Field("active", "active", widget=YesOrNo())
    backorderable = fields.Field("backorderable", "backorderable", widget=YesOrNo())

    class Meta:
        model = Product
        fields = COLUMNS
        import_id_fields = ("sku",)
        clean_model_instances = True
        use_transactions = True
        skip_unchanged = True
        report_skipped = True
        skip_html_diff = True
        instance_loader_class = CachedInstanceLoader
        store_instance = True

    def get_queryset(self) -> QuerySet[Product]:
        """Lock the products, so that what is compared stays until it is written."""
        return Product.objects.select_for_update()

    def do_instance_save(self, instance: Product, is_create: bool) -> None:
        """Add the product, or change how it is sold."""
        facts = {name: instance.value_of(name) for name in COLUMNS}
        instance.pk = services.add_product(**facts | {"category": instance.category_id or ""}).pk


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file, and what it does."""

    number: int
    sku: str
    #: ``new``, ``update`` or ``skip``.
    kind: str = ""
    #: Changes in words; empty for a product that stays as it is.
    changes: str = ""
    error: str = ""
    product: Product | None = None


def preview(text: str) -> list[Row]:
    """Return what each row would do, or why it is impossible. Raises UnreadableFile."""
    return _run(text, dry_run=True)


def take_over(text: str) -> list[Row]:
    """Write all rows in the open transaction, or none if one has an error; return what they did.

    Raises:
        UnreadableFile: the file cannot be read.
    """
    with transaction.atomic():
        rows = _run(text, dry_run=False)
        if any(row.error for row in rows):
            transaction.set_rollback(True)
    return rows


def lines(products: Iterable[Product]) -> Iterator[str]:
    """Yield the lines of an export, which :func:`preview` reads again."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for product in products:
        yield writer.writerow([_cell(product.value_of(name)) for name in COLUMNS])


class _Echo:
    """File whose ``write`` returns the text."""

    def write(self, text: str) -> str:
        return text


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _run(text: str, *, dry_run: bool) -> list[Row]:
    names, table = read_table(text)
    if "sku" not in names or not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
        text = gettext("Name the columns in the first row: sku, and of {columns}.")
        raise UnreadableFile(text.format(columns=", ".join(COLUMNS[1:])))
    check_number(table)
    known = {number: [_plain(cell) for cell in cells] for number, cells in table if len(cells) == len(names)}
    data = Dataset(*known.values(), headers=names)
    done = dict(zip(known, ProductResource().import_data(data, dry_run=dry_run).rows, strict=True))
    seen: set[str] = set()
    return [_row(number, names, cells, done.get(number), seen) for number, cells in table]


def _plain(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _row(number: int, names: list[str], cells: list[str], done: RowResult | None, seen: set[str]) -> Row:
    if done is None:
        return Row(number, cells[0][:64], error=wrong_number(cells, names))
    sku = _plain(cells[names.index("sku")])[:64]
    if sku in seen:
        return Row(number, sku, error=gettext("The file has this SKU twice."))
    seen.add(sku)
    if error := _error(done):
        return Row(number, sku, error=error)
    product, before = done.instance, getattr(done, "original", None)
    return Row(number, sku, done.import_type, _changes(product, before), product=product)


def _error(done: RowResult) -> str:
    if isinstance(done.validation_error, ValidationError):
        told = done.validation_error.message_dict
        said = " ".join(f"{name}: {' '.join(texts)}" for name, texts in told.items())
        return said.replace("__all__: ", "").replace("category_id: ", "category: ")
    return " ".join(str(one.error) for one in done.errors)


def _changes(product: Product, before: Product | None) -> str:
    if before is None:
        return f"{product.name}, {product.price_text}"
    pairs = {name: (before.value_of(name), product.value_of(name)) for name in COLUMNS}
    return ", ".join(f"{name}: {old} → {new}" for name, (old, new) in pairs.items() if old != new)
