"""SQL fragments for Django's fields, and rows as one JSON parameter."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection, connections, models
from django.db.models import Model

from shop.postgres import json_text

#: Fields whose values JSON holds natively or as text. Values of other fields are prepared by the field.
_NATIVE = (
    models.BooleanField,
    models.CharField,
    models.DateTimeField,
    models.DecimalField,
    models.IntegerField,
    models.JSONField,
    models.TextField,
    models.UUIDField,
)


def array_parameter(field: Any) -> str:
    """Return a placeholder for a list of the field's values."""
    return f"%b::{type_name(field)}[]"


def recordset(fields: Sequence[Any]) -> str:
    """Return a FROM item ``new`` with the rows in a parameter made by rows_as_json()."""
    columns = ", ".join(f"{column_name(field)} {type_name(field)}" for field in fields)
    return f"json_to_recordset(%s::json) AS new ({columns})"


def rows_as_json(rows: Sequence[Model], fields: Sequence[Any], *, add: bool) -> str:
    """Return the fields' values in these rows as JSON, a parameter of recordset()."""
    columns, values_of, prepared = _reader(tuple(fields))
    new = [dict(zip(columns, values_of(row), strict=True)) for row in rows]
    database = connections[connection.alias]  # looked up once: ``connection`` does so at every access
    for field in prepared:
        for row, values in zip(rows, new, strict=True):
            values[field.column] = field.get_db_prep_save(field.pre_save(row, add=add), database)
    return json_text.dumps(new)


@cache
def _reader(fields: tuple[Any, ...]) -> tuple[list[str], Callable[[Model], Sequence[Any]], list[Any]]:
    """Return the fields' columns, a getter of all their values, and the fields that prepare their values."""
    values_of = attrgetter(*(field.attname for field in fields))  # the key and others: a tuple
    return [field.column for field in fields], values_of, [f for f in fields if not _is_native(f)]


def table_name(model: type[Model]) -> str:
    """Return the quoted name of a model's table."""
    return connection.ops.quote_name(model._meta.db_table)


def column_name(field: Any) -> str:
    """Return the quoted name of a field's column."""
    return connection.ops.quote_name(field.column)


def type_name(field: Any) -> str:
    """Return a field's type without its length. A cast to a length truncates silently."""
    return str(field.db_type(connection)).split("(")[0]


def _is_native(field: Any) -> bool:
    if isinstance(field, models.ForeignKey):
        return _is_native(field.target_field)
    return isinstance(field, _NATIVE) and not (
        getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    )
