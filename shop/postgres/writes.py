"""Writes that run alone or in the WITH clause of another statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model

from shop.postgres import json_text
from shop.postgres.sql import column_name, recordset, rows_as_json, table_name, type_name


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes rows of one table."""

    model: type[Model]
    statement: str
    parameters: Sequence[Any]
    #: Instances that the statement inserts.
    new: Sequence[Model] = ()

    def execute(self) -> None:
        """Run the statement alone."""
        with connection.cursor() as cursor:
            cursor.execute(self.statement, self.parameters)
        self.mark_as_saved()

    def mark_as_saved(self) -> None:
        """Mark the inserted instances as saved."""
        for row in self.new:
            row._state.adding, row._state.db = False, connection.alias


class Insert(Write):
    """Insert of model instances, primary keys included."""

    def __init__(self, rows: Sequence[Model]) -> None:
        statement, fields = _insert(type(rows[0]))
        super().__init__(type(rows[0]), statement, [rows_as_json(rows, fields, add=True)], rows)


class InsertValues(Write):
    """Insert of rows from lists of values, one list a field, without model instances.

    The database generates the primary keys. All other fields get their default, the same in all rows.
    """

    def __init__(self, model: type[Model], values: Mapping[str, Sequence[Any]]) -> None:
        statement, given, others = _insert_values(model, tuple(values))
        defaults = [field.get_db_prep_save(field.get_default(), connection) for field in others]
        columns = [field.column for field in given]
        new = [dict(zip(columns, row, strict=True)) for row in zip(*values.values(), strict=True)]
        super().__init__(model, statement, [*defaults, json_text.dumps(new)])


class Update(Write):
    """Update of the fields ``names`` of rows.

    Django's bulk_update(), with a CASE for each row and field, takes a hundred times as long.
    """

    def __init__(self, rows: Sequence[Model], names: Sequence[str]) -> None:
        statement, fields = _update(type(rows[0]), tuple(names))
        super().__init__(type(rows[0]), statement, [rows_as_json(rows, fields, add=False)])


@cache
def _insert(model: type[Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    columns = ", ".join(map(column_name, fields))
    return f"INSERT INTO {table_name(model)} ({columns}) SELECT * FROM {recordset(fields)}", fields  # noqa: S608


@cache
def _insert_values(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any], list[Any]]:
    given = [model._meta.get_field(name) for name in names]
    others = [field for field in model._meta.concrete_fields if not field.primary_key and field not in given]
    columns = ", ".join(map(column_name, [*others, *given]))
    defaults = "".join(f"%s::{type_name(field)}, " for field in others)
    return (
        f"INSERT INTO {table_name(model)} ({columns})"  # noqa: S608
        f" SELECT {defaults}new.* FROM {recordset(given)}",
        given,
        others,
    )


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    table, key = table_name(model), column_name(model._meta.pk)
    fields = [model._meta.pk, *map(model._meta.get_field, names)]
    changes = ", ".join(f"{column_name(field)} = new.{column_name(field)}" for field in fields[1:])
    return (
        f"UPDATE {table} SET {changes} FROM {recordset(fields)} WHERE {table}.{key} = new.{key}",  # noqa: S608
        fields,
    )
