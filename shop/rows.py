"""Rows in as few statements, and as little work, as PostgreSQL allows.

Several rows travel as one JSON parameter: psycopg writes an array value by value, and needs an array for
every column.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection, connections, models
from django.db.models import Model

from shop import json_text

R = TypeVar("R", bound=Model)

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


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes rows of one table: by itself, or as a part of another one's WITH clause."""

    model: type[Model]
    statement: str
    parameters: Sequence[Any]
    #: What are rows of the table then.
    new: Sequence[Model] = ()

    def execute(self) -> None:
        """Write by a statement of its own."""
        with connection.cursor() as cursor:
            cursor.execute(self.statement, self.parameters)
        self.done()

    def done(self) -> None:
        """Have new rows know that they are in the database."""
        for row in self.new:
            row._state.adding, row._state.db = False, connection.alias


def insert_once(row: Model) -> bool:
    """Insert a row unless one with the same key is there, in one statement; whether it was inserted.

    Django's own ways take a transaction of four statements, or an error that breaks an open one.
    """
    statement, fields = _insert_one(type(row))
    with connection.cursor() as cursor:
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
        cursor.execute(statement, values)
        return bool(cursor.rowcount)


def insert_new(rows: Sequence[R]) -> list[R]:
    """Insert the rows whose keys are not there yet, in one statement, and return those.

    Where others may insert the same at the same time, all sort them, lest they wait for each other.
    """
    if not rows:
        return []
    statement, fields = _insert_many(type(rows[0]))
    with connection.cursor() as cursor:
        cursor.execute(statement, [_as_json(rows, fields, add=True)])
        inserted = {key for (key,) in cursor.fetchall()}
    first = {row.pk: row for row in reversed(rows)}  # of several with one key
    return [row for row in rows if row.pk in inserted and first[row.pk] is row]


def insertion(new: Sequence[Model]) -> Write:
    """Insert rows of one model, keys and all."""
    statement, fields = _insertion(type(new[0]))
    return Write(type(new[0]), statement, [_as_json(new, fields, add=True)], new)


def insertion_of_values(model: type[Model], values: Mapping[str, Sequence[Any]]) -> Write:
    """Insert rows of these values, a list for each field, without a model instance each.

    All other fields but the key, which the database gives, get one default for all rows.
    """
    statement, given, others = _insert_values(model, tuple(values))
    defaults = [field.get_db_prep_save(field.get_default(), connection) for field in others]
    columns = [field.column for field in given]
    new = [dict(zip(columns, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return Write(model, statement, [*defaults, json_text.dumps(new)])


def update_of(rows: Sequence[Model], names: Sequence[str]) -> Write:
    """Write these fields of rows.

    As Django's bulk_update(), which spends a hundred times as much on its CASE of every row and field.
    """
    statement, fields = _update(type(rows[0]), tuple(names))
    return Write(type(rows[0]), statement, [_as_json(rows, fields, add=False)])


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write these fields of rows, in one statement; of none in none."""
    if rows:
        update_of(rows, names).execute()


def update_where(
    rows: Sequence[R],
    names: Sequence[str],
    *,
    where: Mapping[str, str],
    lock_by: str,
    refresh: Sequence[str] = (),
) -> list[R]:
    """Write these fields of those rows that are in the database as ``where`` says, and return these rows.

    One statement does what otherwise takes a locking SELECT of whole rows, a decision and update_rows().

    Args:
        where: field -> what it has to be there.
        lock_by: the field in whose order the rows are locked before they are written.
        refresh: fields to be read back into the returned rows.
    """
    if not rows:
        return []
    statement, fields = _update_where(type(rows[0]), tuple(names), tuple(where), lock_by, tuple(refresh))
    keys = [row.pk for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(statement, [keys, _as_json(rows, fields, add=False), *where.values()])
        stored = {key: values for key, *values in cursor.fetchall()}
    written = [row for row in rows if row.pk in stored]
    for row in written:
        for name, value in zip(refresh, stored[row.pk], strict=True):
            setattr(row, name, value)
    return written


def set_fields(model: type[Model], keys: Collection[Any], **values: Any) -> None:
    """Give the rows with these primary keys the same values, in one statement."""
    if not keys:
        return
    statement, fields = _set(model, tuple(values))
    prepared = [field.get_db_prep_save(values[field.name], connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*prepared, list(keys)])


def locked(model: type[R], name: str, keys: Collection[Any], *, only: Sequence[str] = ()) -> list[R]:
    """The rows with one of these keys in the field ``name``, in its order, locked until the transaction ends.

    As Django's select_for_update(no_key=True), which spends more on writing the statement than PostgreSQL
    does on running it, and whose IN has PostgreSQL put all keys together again for every row it looks at.

    Args:
        only: the fields to read, the primary key among them; the others are read if somebody asks for them.
    """
    if not keys:
        return []
    statement, names, converters = _lock(model, name, tuple(only))
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(keys)])
        rows = cursor.fetchall()
    for index, convert in converters:
        rows = [(*row[:index], convert(row[index], None, connection), *row[index + 1 :]) for row in rows]
    return [model.from_db(connection.alias, names, row) for row in rows]


def is_empty(model: type[Model]) -> bool:
    """Whether a table has no row, for less than the ORM takes to ask."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {_table(model)} LIMIT 1")
        return not cursor.rowcount


@cache
def _insert_one(model: type[Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    columns = ", ".join(map(_column, fields))
    values = ", ".join(f"%s::{_type(field)}" for field in fields)
    return (
        f"INSERT INTO {_table(model)} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING",  # noqa: S608
        fields,
    )


@cache
def _insert_many(model: type[Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    columns, key = ", ".join(map(_column, fields)), _column(model._meta.pk)
    return (
        f"INSERT INTO {_table(model)} ({columns}) SELECT * FROM {_recordset(fields)}"  # noqa: S608
        f" ON CONFLICT DO NOTHING RETURNING {key}",
        fields,
    )


@cache
def _insertion(model: type[Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    columns = ", ".join(map(_column, fields))
    return f"INSERT INTO {_table(model)} ({columns}) SELECT * FROM {_recordset(fields)}", fields  # noqa: S608


@cache
def _insert_values(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any], list[Any]]:
    given = [model._meta.get_field(name) for name in names]
    others = [field for field in model._meta.concrete_fields if not field.primary_key and field not in given]
    columns = ", ".join(map(_column, [*others, *given]))
    defaults = "".join(f"%s::{_type(field)}, " for field in others)
    return (
        f"INSERT INTO {_table(model)} ({columns})"  # noqa: S608
        f" SELECT {defaults}new.* FROM {_recordset(given)}",
        given,
        others,
    )


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    table, key = _table(model), _column(model._meta.pk)
    fields = [model._meta.pk, *map(model._meta.get_field, names)]
    changes = ", ".join(f"{_column(field)} = new.{_column(field)}" for field in fields[1:])
    return (
        f"UPDATE {table} SET {changes} FROM {_recordset(fields)} WHERE {table}.{key} = new.{key}",  # noqa: S608
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
    table, key, order = _table(model), _column(model._meta.pk), _column(field(lock_by))
    fields = [model._meta.pk, *map(field, names)]
    changes = ", ".join(f"{_column(changed)} = new.{_column(changed)}" for changed in fields[1:])
    expected = [_column(field(name)) for name in where]
    # Decided on the locked rows: an index by state, full of entries just outdated, must not find them.
    conditions = "".join(f" AND locked.{column} = %s" for column in expected)
    returned = ", ".join(f"{table}.{_column(read)}" for read in [model._meta.pk, *map(field, refresh)])
    return (
        f"WITH locked AS (SELECT {', '.join([key, *expected])} FROM {table}"  # noqa: S608
        f" WHERE {key} = ANY({_array(model._meta.pk)}) ORDER BY {order} FOR NO KEY UPDATE)"
        f" UPDATE {table} SET {changes} FROM locked, {_recordset(fields)}"
        f" WHERE {table}.{key} = locked.{key} AND {table}.{key} = new.{key}{conditions}"
        f" RETURNING {returned}",
        fields,
    )


@cache
def _set(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    key, fields = model._meta.pk, list(map(model._meta.get_field, names))
    changes = ", ".join(f"{_column(field)} = %s::{_type(field)}" for field in fields)
    return (
        f"UPDATE {_table(model)} SET {changes} WHERE {_column(key)} = ANY({_array(key)})",  # noqa: S608
        fields,
    )


@cache
def _lock(
    model: type[Model], name: str, only: tuple[str, ...]
) -> tuple[str, frozenset[str], list[tuple[int, Any]]]:
    fields = [field for field in model._meta.concrete_fields if not only or field.name in only]
    key = model._meta.get_field(name)
    converters = [
        (index, convert)
        for index, field in enumerate(fields)
        for convert in field.get_db_converters(connection)
    ]
    return (
        f"SELECT {', '.join(map(_column, fields))} FROM {_table(model)}"  # noqa: S608
        f" WHERE {_column(key)} = ANY({_array(key)}) ORDER BY {_column(key)} FOR NO KEY UPDATE",
        frozenset(field.attname for field in fields),
        converters,
    )


def _array(field: Any) -> str:
    return f"%b::{_type(field)}[]"


def _recordset(fields: Sequence[Any]) -> str:
    """Rows, called ``new``, out of one parameter that _as_json() makes."""
    columns = ", ".join(f"{_column(field)} {_type(field)}" for field in fields)
    return f"json_to_recordset(%s::json) AS new ({columns})"


def _as_json(rows: Sequence[Model], fields: Sequence[Any], *, add: bool) -> str:
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


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(field: Any) -> str:
    return connection.ops.quote_name(field.column)


def _type(field: Any) -> str:
    """The type without its length: a cast to a length would cut off what the column refuses."""
    return str(field.db_type(connection)).split("(")[0]


def _goes_as_it_is(field: Any) -> bool:
    if isinstance(field, models.ForeignKey):
        return _goes_as_it_is(field.target_field)
    return isinstance(field, _AS_IT_IS) and not (
        getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    )
