"""Differences between the live read models and others of the same shape, such as those of a rebuild."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection

from analytics.models import ReadModel

#: Keys that are named for each kind of difference.
EXAMPLES = 5


@dataclass
class TableDifference:
    """Difference of a table: the rows that a swap would add, remove and change."""

    table: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    #: First keys of each kind.
    keys: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.table}: {self.added} added, {self.removed} removed, {self.changed} changed"]
        return "\n".join([*lines, *(f"  {kind}: {', '.join(keys)}" for kind, keys in self.keys.items())])

    def as_json(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        return asdict(self)


def differences(models: Sequence[type[ReadModel]], schema: str) -> list[TableDifference]:
    """Return what differs in the tables of a schema from the live ones, by table; equal ones are left out."""
    return [found for model in models if (found := _difference(model, schema)).keys]


def _difference(model: type[ReadModel], schema: str) -> TableDifference:
    table = model._meta.db_table
    key, columns = ", ".join(model.KEY), model.columns()
    statement = _DIFFERENCE.format(
        table=table,
        schema=schema,
        key=key,
        first=model.KEY[0],
        live=", ".join(f"live.{column}" for column in columns),
        other=", ".join(f"other.{column}" for column in columns),
    )
    found = TableDifference(table)
    with connection.cursor() as cursor:
        cursor.execute(statement, [EXAMPLES])
        for kind, count, keys in cursor.fetchall():
            setattr(found, kind, count)
            found.keys[kind] = keys
    return found


_DIFFERENCE = """
    WITH differing AS MATERIALIZED (
        SELECT concat_ws(' ', {key}) AS key,
            CASE WHEN live.{first} IS NULL THEN 'added' WHEN other.{first} IS NULL THEN 'removed'
                 ELSE 'changed' END AS kind
        FROM {table} AS live FULL JOIN {schema}.{table} AS other USING ({key})
        WHERE ({live}) IS DISTINCT FROM ({other})
    )
    SELECT kind, count(*),
        ARRAY(SELECT key FROM differing AS one WHERE one.kind = differing.kind ORDER BY key LIMIT %s)
    FROM differing GROUP BY kind ORDER BY kind
"""
