"""Inserts and updates of many rows, one statement each."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from shop.postgres.sql import array_parameter, column_name, recordset, rows_as_json, table_name, type_name
from shop.postgres.writes import Update

R = TypeVar("R", bound=Model)


def insert_once(row: Model) -> bool:
    """Insert a row unless one with the same key exists; return whether it was inserted.

    It takes one statement. Django's get_or_create() takes four, and an IntegrityError would abort an open
    transaction.
    """
    statement, fields = _insert_one(type(row))
    with connection.cursor() as cursor:
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
        cursor.execute(statement, values)
        return bool(cursor.rowcount)


def insert_new(rows: Sequence[R]) -> list[R]:
    """Insert the rows whose keys do not exist yet, in one statement, and return these rows.

    Concurrent inserts of the same keys deadlock unless every caller sorts its rows.
    """
    if not rows:
        return []
    statement, fields = _insert_many(type(rows[0]))
    with connection.cursor() as cursor:
        cursor.execute(statement, [rows_as_json(rows, fields, add=True)])
        inserted = {key for (key,) in cursor.fetchall()}
    first = {row.pk: row for row in reversed(rows)}  # of several rows with one key
    return [row for row in rows if row.pk in inserted and first[row.pk] is row]


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Update the fields ``names`` of rows, in one statement; no rows take none."""
    if rows:
        Update(rows, names).execute()


def update_where(
    rows: Sequence[R],
    names: Sequence[str],
    *,
    where: Mapping[str, Any],
    lock_by: str,
    refresh: Sequence[str] = (),
) -> list[R]:
    """Update the fields ``names`` of the rows that satisfy ``where`` in the database; return these rows.

    One statement replaces a locking SELECT, a decision and update_rows().

    Args:
        rows: instances with the new values.
        names: fields to write.
        where: field -> its expected value in the database.
        lock_by: field in whose order the rows are locked.
        refresh: fields to read back into the returned rows.
    """
    if not rows:
        return []
    statement, fields = _update_where(type(rows[0]), tuple(names), tuple(where), lock_by, tuple(refresh))
    keys = [row.pk for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(statement, [keys, rows_as_json(rows, fields, add=False), *where.values()])
        stored = {key: values for key, *values in cursor.fetchall()}
    written = [row for row in rows if row.pk in stored]
    for row in written:
        for name, value in zip(refresh, stored[row.pk], strict=True):
            setattr(row, name, value)
    return written


def set_fields(model: type[Model], keys: Collection[Any], **values: Any) -> None:
    """Set fields of the rows with these primary keys to the same values, in one statement."""
    if not keys:
        return
    statement, fields = _set(model, tuple(values))
    prepared = [field.get_db_prep_save(values[field.name], connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*prepared, list(keys)])


@cache
def _insert_one(model: type[Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    columns = ", ".join(map(column_name, fields))
    values = ", ".join(f"%s::{type_name(field)}" for field in fields)
    return (
        f"INSERT INTO {table_name(model)} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING",  # noqa: S608
        fields,
    )


@cache
def _insert_many(model: type[Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    columns, key = ", ".join(map(column_name, fields)), column_name(model._meta.pk)
    return (
        f"INSERT INTO {table_name(model)} ({columns}) SELECT * FROM {recordset(fields)}"  # noqa: S608
        f" ON CONFLICT DO NOTHING RETURNING {key}",
        fields,
    )


@cache
def _update_where(
    model: type[Model],
    names: tuple[str, ...],
    where: tuple[str, ...],
    lock_by: str,
    refresh: tuple[str, ...],
) -> tuple[str, list[Any]]:
    field = model._meta.get_field
    table, key, order = table_name(model), column_name(model._meta.pk), column_name(field(lock_by))
    fields = [model._meta.pk, *map(field, names)]
    changes = ", ".join(f"{column_name(changed)} = new.{column_name(changed)}" for changed in fields[1:])
    expected = [column_name(field(name)) for name in where]
    # Checked on the locked rows, lest PostgreSQL scans an index by state that is full of dead entries.
    conditions = "".join(f" AND locked.{column} = %s" for column in expected)
    returned = ", ".join(f"{table}.{column_name(read)}" for read in [model._meta.pk, *map(field, refresh)])
    return (
        f"WITH locked AS (SELECT {', '.join([key, *expected])} FROM {table}"  # noqa: S608
        f" WHERE {key} = ANY({array_parameter(model._meta.pk)}) ORDER BY {order} FOR NO KEY UPDATE)"
        f" UPDATE {table} SET {changes} FROM locked, {recordset(fields)}"
        f" WHERE {table}.{key} = locked.{key} AND {table}.{key} = new.{key}{conditions}"
        f" RETURNING {returned}",
        fields,
    )


@cache
def _set(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    key, fields = model._meta.pk, list(map(model._meta.get_field, names))
    changes = ", ".join(f"{column_name(field)} = %s::{type_name(field)}" for field in fields)
    return (
        f"UPDATE {table_name(model)} SET {changes} WHERE {column_name(key)} = ANY({array_parameter(key)})",  # noqa: S608
        fields,
    )
