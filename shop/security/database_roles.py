"""Two database roles: the owner, who migrates, and the running role, which web and workers connect as.

The running role reads and writes rows. It cannot change tables, triggers or functions, nor the rows of
append-only tables, even if their triggers were away.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dj_database_url
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

#: Parts of a connection that differ between the roles. The name of the database does not.
_LOGIN = ("USER", "PASSWORD", "HOST", "PORT")
#: Only migrations write it.
_READ_ONLY = ["django_migrations"]
#: Statements on the schema of the shop's tables. They repeat without harm.
_GRANTS = """
REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role};
"""
#: Each row is a right that the running role must not have.
_EXCESS = """
WITH role AS (SELECT * FROM pg_roles WHERE rolname = %s::text),
     schema AS (SELECT * FROM pg_namespace WHERE nspname = %s::text)
SELECT 'is a superuser' FROM role WHERE rolsuper
UNION ALL SELECT 'may create roles' FROM role WHERE rolcreaterole
UNION ALL SELECT 'may replicate' FROM role WHERE rolreplication
UNION ALL SELECT 'may become ' || roleid::regrole FROM pg_auth_members, role WHERE member = role.oid
UNION ALL SELECT 'owns ' || pg_class.oid::regclass FROM pg_class, role, schema
    WHERE relowner = role.oid AND relnamespace = schema.oid
UNION ALL SELECT 'owns ' || pg_proc.oid::regprocedure FROM pg_proc, role, schema
    WHERE proowner = role.oid AND pronamespace = schema.oid
UNION ALL SELECT 'may create in schema ' || nspname FROM role, schema
    WHERE has_schema_privilege(role.oid, schema.oid, 'CREATE')
UNION ALL SELECT 'may create schemas' FROM role
    WHERE has_database_privilege(role.oid, current_database(), 'CREATE')
"""


class TooManyRights(ImproperlyConfigured):
    """The running role has rights that no grant takes away."""

    def __init__(self, role: str, excess: list[str]) -> None:
        super().__init__(
            f"DATABASE_URL names {role}, which {', '.join(excess)}: name a role without these rights there, "
            "and the owner in SHOP_ADMIN_DATABASE_URL."
        )


def running_role() -> str:
    """Return the role that web and workers connect as."""
    return str(dj_database_url.parse(settings.DATABASE_URL)["USER"])


def owner_role() -> str:
    """Return the role that migrates; an empty string if there is one role for everything."""
    url = settings.SHOP_ADMIN_DATABASE_URL
    return str(dj_database_url.parse(url)["USER"]) if url else ""


@contextmanager
def as_owner(alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Connect as SHOP_ADMIN_DATABASE_URL says inside the block, if it is set."""
    if not settings.SHOP_ADMIN_DATABASE_URL:
        yield
        return
    connection = connections[alias]
    owner, given = dj_database_url.parse(settings.SHOP_ADMIN_DATABASE_URL), dict(connection.settings_dict)
    options = {**given["OPTIONS"], **owner.get("OPTIONS", {})}
    connection.close()
    connection.settings_dict.update({key: owner.get(key, "") for key in _LOGIN}, OPTIONS=options)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(given)


def grant_after_migration(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Grant the running role its rights on what a migration has made, if there are two roles."""
    connection = connections[using]
    if settings.SHOP_ADMIN_DATABASE_URL and connection.settings_dict["USER"] != running_role():
        grant(connection)


def grant(connection: BaseDatabaseWrapper) -> None:
    """Give the running role exactly its rights. Raises TooManyRights if it has others all the same."""
    role = running_role()
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('shop.security.database_roles'))")
        cursor.execute("SELECT current_schema(), to_regrole(quote_ident(%s))", [role])
        schema, found = cursor.fetchall()[0]
        if not found:
            raise ImproperlyConfigured(f"Create the role that DATABASE_URL names: CREATE ROLE {role} LOGIN.")
        cursor.execute(_statements(schema, role).as_string(cursor.connection))
        cursor.execute(_EXCESS, [role, schema])
        if excess := [right for (right,) in cursor.fetchall()]:
            raise TooManyRights(role, excess)


def _statements(schema: str, role: str) -> sql.Composed:
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
    statements = [sql.SQL(_GRANTS).format(**names)]
    for rights, tables in (("UPDATE, DELETE", _append_only()), ("INSERT, UPDATE, DELETE", _READ_ONLY)):
        for table in tables:
            revoke = sql.SQL("REVOKE " + rights + " ON {table} FROM {role};\n")
            statements.append(revoke.format(table=sql.Identifier(schema, table), **names))
    for scratch in _scratch_schemas():
        allow = sql.SQL("GRANT USAGE, CREATE ON SCHEMA {scratch} TO {role};\n")
        statements.append(allow.format(scratch=sql.Identifier(scratch), **names))
    return sql.Composed(statements)


def _append_only() -> list[str]:
    """Return the tables of the models that say ``append_only``."""
    return [m._meta.db_table for m in apps.get_models() if getattr(m, "append_only", False)]


def _scratch_schemas() -> list[str]:
    """Return the schemas in which apps make tables at run time."""
    return [app.scratch_schema for app in apps.get_app_configs() if hasattr(app, "scratch_schema")]
