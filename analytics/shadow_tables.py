"""Shadow tables: empty copies of the read models, which a rebuild fills and then copies to the live tables.

A second version of the read models lives in them.

They are in a schema of their own under the same names. Inside ``redirected()`` the search path redirects
every statement to them, so a rebuild runs the code of the live projection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from analytics.apps import AnalyticsConfig
from analytics.models import READ_MODELS

SCHEMA = AnalyticsConfig.scratch_schema


def create(*, durable: bool = False) -> None:
    """Create the tables, without those that a crashed rebuild left.

    Durable ones keep their rows when PostgreSQL crashes, and are slower to fill.
    """
    drop()
    kind = "" if durable else "UNLOGGED"
    for model in READ_MODELS:
        table = model._meta.db_table
        _run(f"CREATE {kind} TABLE {SCHEMA}.{table} (LIKE {table} INCLUDING ALL)")


def drop() -> None:
    """Drop the tables."""
    for model in READ_MODELS:
        _run(f"DROP TABLE IF EXISTS {SCHEMA}.{model._meta.db_table}")


@contextmanager
def redirected() -> Iterator[None]:
    """Open a transaction in which the read models are the shadow tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        (live,) = cursor.fetchone()
        _set_search_path(f"{SCHEMA}, {live}")
        yield
        _set_search_path(live)


def copy_to_live_tables() -> None:
    """Replace the rows of the live tables. Deleted, because only their owner may truncate them."""
    for model in READ_MODELS:
        table, columns = model._meta.db_table, ", ".join(model.columns())
        _run(f"DELETE FROM {table}")  # noqa: S608
        _run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {SCHEMA}.{table}")  # noqa: S608


def of_another_shape() -> list[str]:
    """Return the live tables whose shadow is missing or has other columns."""
    tables = [model._meta.db_table for model in READ_MODELS]
    return [table for table in tables if _columns(table) != _columns(f"{SCHEMA}.{table}")]


def _columns(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [table])
        return list(cursor.fetchall())


_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attname
"""


def _set_search_path(path: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', %s, true)", [path])


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
