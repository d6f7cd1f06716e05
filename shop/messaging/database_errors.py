"""Classification of database errors: outages and stale prepared plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import InterfaceError, NotSupportedError, OperationalError

if TYPE_CHECKING:
    pass

#: PostgreSQL's classes of errors that mean "not now": connection, resources, operator intervention.
OUTAGE_CLASSES = ("08", "53", "57")

#: A statement that took too long: that is the statement's fault.
QUERY_CANCELLED = "57014"


def is_outage(error: BaseException) -> bool:
    """Whether ``error`` says that the database cannot be reached, rather than that it said no."""
    if is_stale_plan(error):
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    sqlstate: str | None = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or (sqlstate.startswith(OUTAGE_CLASSES) and sqlstate != QUERY_CANCELLED)


def is_stale_plan(error: BaseException | None) -> bool:
    """Whether a migration has altered a column since a statement was prepared over this connection."""
    return isinstance(error, NotSupportedError) and "cached plan" in str(error)
