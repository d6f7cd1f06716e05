"""Rows with personal data as plain values, for exports and dry runs."""

from typing import Any

from django.db.models import Model, QuerySet

#: Table -> its rows, by column.
Rows = dict[str, list[dict[str, Any]]]


def rows_of(rows: QuerySet[Any], *, leaving_out: frozenset[str] = frozenset()) -> Rows:
    """Return rows by the name of their table, oldest first; without the table if there is none."""
    model: type[Model] = rows.model
    columns = [field.attname for field in model._meta.concrete_fields if field.name not in leaving_out]
    found = list(rows.order_by("pk").values(*columns))
    return {model._meta.db_table: found} if found else {}
