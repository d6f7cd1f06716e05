"""Database errors: outages, which are waited for, and stale prepared plans, which close the connection.

A session that became read-only by a failover, or whose database was restored, counts as an outage.
"""

import sys

from celery.signals import task_failure
from django.core.signals import got_request_exception
from django.db import InterfaceError, InternalError, NotSupportedError, OperationalError, connection
from django.dispatch import receiver
from psycopg.errors import ReadOnlySqlTransaction

from shop.messaging.errors import NotOpened

#: PostgreSQL's classes of errors that mean "not now": connection, resources, operator intervention.
OUTAGE_CLASSES = ("08", "53", "57")
#: A statement ran longer than it may: the statement's own fault.
QUERY_CANCELLED = "57014"


def is_outage(error: BaseException) -> bool:
    """Tell whether ``error`` means that the database cannot be reached, not that it refused a statement."""
    if is_stale_plan(error) or is_read_only(error) or isinstance(error, NotOpened):
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    sqlstate: str | None = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or (sqlstate.startswith(OUTAGE_CLASSES) and sqlstate != QUERY_CANCELLED)


def is_stale_plan(error: BaseException | None) -> bool:
    """Tell whether a migration has altered a column since this connection prepared a statement."""
    return isinstance(error, NotSupportedError) and "cached plan" in str(error)


def is_read_only(error: BaseException) -> bool:
    """Tell whether the session takes no writes: its server became a standby, or is switched to read-only."""
    return isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)


@receiver(got_request_exception)
@task_failure.connect
def close_stale_connection(exception: BaseException | None = None, **kwargs: object) -> None:
    """Close a connection with stale plans, so that the next request or task opens another.

    Runs of consumers reconnect by themselves.
    """
    if is_stale_plan(exception or sys.exc_info()[1]):
        connection.close()
