"""Rows by their keys, locked or not, without the overhead of the ORM."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model

from shop.postgres.sql import array_parameter, column_name, table_name
from shop.postgres.statements import R


def locked(model: type[R], name: str, keys: Collection[Any], *, only: Sequence[str] = ()) -> list[R]:
    """Lock the rows whose field ``name`` is one of ``keys``, in the order of that field, and return them.

    Equivalent to select_for_update(no_key=True). Django takes longer to compile that than PostgreSQL to run
    it, and PostgreSQL evaluates its IN list for each row.

    Args:
        model: the model of the rows.
        name: an indexed field.
        keys: values of that field.
        only: fields to load, the primary key among them; the others are deferred.
    """
    return _rows(model, name, keys, tuple(only), lock=True)


def found(model: type[R], name: str, keys: Collection[Any]) -> list[R]:
    """Return rows as locked() does, without locking them."""
    return _rows(model, name, keys, (), lock=False)


def _rows(model: type[R], name: str, keys: Collection[Any], only: tuple[str, ...], *, lock: bool) -> list[R]:
    if not keys:
        return []
    statement, names, converters = _select(model, name, only, lock=lock)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(keys)])
        rows = cursor.fetchall()
    for index, convert in converters:
        rows = [(*row[:index], convert(row[index], None, connection), *row[index + 1 :]) for row in rows]
    return [model.from_db(connection.alias, names, row) for row in rows]


def is_empty(model: type[Model]) -> bool:
    """Return whether a table has no rows; cheaper than ``exists()``."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {table_name(model)} LIMIT 1")
        return not cursor.rowcount


@cache
def _select(
    model: type[Model], name: str, only: tuple[str, ...], *, lock: bool
) -> tuple[str, frozenset[str], list[tuple[int, Any]]]:
    fields = [field for field in model._meta.concrete_fields if not only or field.name in only]
    key = model._meta.get_field(name)
    converters = [
        (index, convert)
        for index, field in enumerate(fields)
        for convert in field.get_db_converters(connection)
    ]
    return (
        f"SELECT {', '.join(map(column_name, fields))} FROM {table_name(model)}"  # noqa: S608
        f" WHERE {column_name(key)} = ANY({array_parameter(key)})"
        f" ORDER BY {column_name(key)}{' FOR NO KEY UPDATE' if lock else ''}",
        frozenset(field.attname for field in fields),
        converters,
    )
