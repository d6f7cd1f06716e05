"""Opening of a database: a shop whose database was restored runs only after ``manage.py after_restore``.

A database is known by the identifier of its cluster and the oid of its log: a dump that was restored has
others. A recovery to a point in time keeps both, and leaves its target in the configuration.
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.errors import UndefinedTable

from shop.messaging.errors import NotOpened
from shop.messaging.models import Restore

#: Identity of the present database, and the target of the recovery that it may come from.
_PRESENT = """
    SELECT system_identifier || '/' || 'messaging_eventrecord'::regclass::oid AS identity,
           concat_ws(' ', nullif(current_setting('recovery_target'), ''),
               nullif(current_setting('recovery_target_time'), ''),
               nullif(current_setting('recovery_target_xid'), ''),
               nullif(current_setting('recovery_target_lsn'), ''),
               nullif(current_setting('recovery_target_name'), '')) AS target
    FROM pg_control_system()
"""
#: A database without any row was never opened by this release, and so it was not backed up by it either.
_IS_OPEN = f"""
    SELECT opened.identity IS NULL
           OR opened.identity = present.identity AND present.target IN ('', opened.target)
    FROM ({_PRESENT}) AS present
    LEFT JOIN (SELECT identity, target FROM messaging_restore ORDER BY id DESC LIMIT 1) AS opened ON true
"""  # noqa: S608 - constants


def is_open(cursor: Any) -> bool:
    """Return whether the shop may run on this database."""
    cursor.execute(_IS_OPEN)
    return bool(cursor.fetchone()[0])


def check_open(cursor: Any) -> None:
    """Raise NotOpened if the database was restored, and not opened since."""
    if not is_open(cursor):
        raise NotOpened(NotOpened.__doc__)


def check_at_start() -> None:
    """Check at the start of a process. A process whose database is away goes on: it can do nothing yet."""
    try:
        with connection.cursor() as cursor:
            check_open(cursor)
    except DatabaseError:
        pass
    finally:
        connection.close()


def guard_connections(**kwargs: Any) -> None:
    """Have this process, from now on, refuse its new connections to a database that is restored and closed.

    A restore ends all connections, so a process that outlives one waits as in an outage, until it is opened.
    """
    connection_created.connect(_refuse_closed)


def _refuse_closed(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    try:
        with connection.connection.cursor() as cursor:
            check_open(cursor)
    except NotOpened:
        connection.close()
        raise
    except UndefinedTable:
        pass  # no migration has run: there is nothing to protect


def present_identity() -> tuple[str, str]:
    """Return the identity of the present database, and the target of its recovery."""
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT)
        [(identity, target)] = cursor.fetchall()
    return identity, target


def open_new_installation(apps: Any = None, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: open a database that no release has opened."""
    has_table = apps is None or "restore" in apps.all_models["messaging"]
    if has_table and not Restore.objects.exists():
        identity, target = present_identity()
        Restore.objects.create(identity=identity, target=target, by="manage.py migrate")
