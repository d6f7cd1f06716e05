"""Fragments of SQL made from Django's fields, and rows as one JSON parameter."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection, connections, models
from django.db.models import Model

from shop.postgres import json_text

#: Fields whose values JSON can hold as they are, or as text; any other is asked what it makes of them.
_AS_IT_IS = (
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
    return f"%b::{type_name(field)}[]"


def recordset(fields: Sequence[Any]) -> str:
    """Rows, called ``new``, out of one parameter that _as_json() makes."""
    columns = ", ".join(f"{column_name(field)} {type_name(field)}" for field in fields)
    return f"json_to_recordset(%s::json) AS new ({columns})"


def rows_as_json(rows: Sequence[Model], fields: Sequence[Any], *, add: bool) -> str:
    """What these fields of the rows are, for a parameter that _recordset() reads."""
    columns, values_of, others = _reader(tuple(fields))
    told = [dict(zip(columns, values_of(row), strict=True)) for row in rows]
    database = connections[connection.alias]  # what ``connection`` looks up anew at every use
    for field in others:
        for row, values in zip(rows, told, strict=True):
            values[field.column] = field.get_db_prep_save(field.pre_save(row, add=add), database)
    return json_text.dumps(told)


@cache
def _reader(fields: tuple[Any, ...]) -> tuple[list[str], Callable[[Model], Sequence[Any]], list[Any]]:
    """The columns of fields, what reads all their values at once, and those that have to be asked besides."""
    values_of = attrgetter(*(field.attname for field in fields))  # a key, and what it is the key of
    return [field.column for field in fields], values_of, [f for f in fields if not _goes_as_it_is(f)]


def table_name(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def column_name(field: Any) -> str:
    return connection.ops.quote_name(field.column)


def type_name(field: Any) -> str:
    """The type without its length: a cast to a length would cut off what the column refuses."""
    return str(field.db_type(connection)).split("(")[0]


def _goes_as_it_is(field: Any) -> bool:
    if isinstance(field, models.ForeignKey):
        return _goes_as_it_is(field.target_field)
    return isinstance(field, _AS_IT_IS) and not (
        getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    )
