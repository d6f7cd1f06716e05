"""Export of a list as CSV: all rows that the filters let through, streamed."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.dispatch import Signal
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import strip_tags

#: Sent with the model as sender and the request, before a list is sent.
list_exported = Signal()
#: URL parameter of a list.
PARAMETER = "export"
#: Rows read at once.
_PAGE = 1000
#: First characters of a text that spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """File whose ``write`` returns the text."""

    def write(self, text: str) -> str:
        return text


def export(request: HttpRequest, change_list: Any) -> StreamingHttpResponse:
    """Return the rows of a keyset list as CSV, in its ``export_columns`` or those of the page."""
    model_admin = change_list.model_admin
    shown = getattr(model_admin, "export_columns", None) or model_admin.get_list_display(request)
    columns = [name for name in shown if name != "action_checkbox"]
    name = change_list.opts.model_name
    list_exported.send(change_list.model, request=request)
    response = StreamingHttpResponse(
        _lines(request, change_list, columns), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(request: HttpRequest, change_list: Any, columns: list[str]) -> Iterator[str]:
    model_admin = change_list.model_admin
    writer = csv.writer(_Echo())
    yield writer.writerow([label_for_field(name, change_list.model, model_admin) for name in columns])
    for row in _rows(request, change_list):
        yield writer.writerow([_cell(name, row, model_admin) for name in columns])


def _rows(request: HttpRequest, change_list: Any) -> Iterator[Model]:
    """Yield all rows, a page at a time by key, so that a list of any length needs no memory."""
    key = str(change_list.model_admin.ordering[0]).removeprefix("-")
    page = list(change_list.queryset[:_PAGE])
    while page:
        change_list.model_admin.complete(request, page)
        yield from page
        last = getattr(page[-1], key)
        page = list(change_list.queryset.filter(**{f"{key}__lt": last})[:_PAGE]) if len(page) == _PAGE else []


def _cell(name: str, row: Model, model_admin: Any) -> str:
    """Return a value as text that no spreadsheet takes for a formula; numbers stay numbers."""
    try:
        field, _, value = lookup_field(name, row, model_admin)
    except ObjectDoesNotExist:
        return ""
    if field is not None and field.choices:
        value = getattr(row, f"get_{field.name}_display")()
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = strip_tags(str("" if value is None else value))
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
