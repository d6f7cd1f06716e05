"""Fresh, empty tables beside the live ones, for a rebuild to fill and then to put in their place.

They stand in a schema of their own under the same names: inside ``fresh_tables()`` the search path leads
every statement to them, so that a rebuild runs the very code of the live projection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from analytics.models import READ_MODELS

SCHEMA = "analytics_rebuild"


def make() -> None:
    """Make the tables anew, whatever an earlier rebuild has left behind."""
    drop()
    _run(f"CREATE SCHEMA {SCHEMA}")
    for model in READ_MODELS:
        table = model._meta.db_table
        _run(f"CREATE UNLOGGED TABLE {SCHEMA}.{table} (LIKE {table} INCLUDING ALL)")


def drop() -> None:
    """Remove the tables."""
    _run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


@contextmanager
def fresh_tables() -> Iterator[None]:
    """A transaction in which the read models are the fresh tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        (live,) = cursor.fetchone()
        _lead_to(f"{SCHEMA}, {live}")
        yield
        _lead_to(live)


def take_over() -> None:
    """Put what the fresh tables hold into the live ones; readers wait until the transaction ends."""
    _run(f"TRUNCATE {', '.join(model._meta.db_table for model in READ_MODELS)}")
    for model in READ_MODELS:
        table, columns = model._meta.db_table, ", ".join(_columns(model))
        _run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {SCHEMA}.{table}")  # noqa: S608


def _columns(model: type[object]) -> list[str]:
    """All columns but a number that the database gives."""
    fields = model._meta.concrete_fields  # type: ignore[attr-defined]
    return [field.column for field in fields if field.name != "id"]


def _lead_to(path: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', %s, true)", [path])


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
