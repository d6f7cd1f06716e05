"""Installation of pgmq, the embedded broker, in a database of its own."""

import psycopg
from pgmq.install import get_embedded_install_sql
from psycopg import sql

#: Signature that pgmq 1.1.4 calls for messages with headers and that its SQL 1.13.0 lacks.
_MISSING_OVERLOAD = """
create function pgmq.send_topic(routing_key text, msg jsonb, headers jsonb) returns integer
language sql as $$ select pgmq.send_topic($1, $2, $3, 0) $$
"""
#: Statements that give a role what another one owns. Sequences and types of tables go with their tables.
_CHANGES_OF_OWNER = """
select format('alter %%s %%s owner to %%I', kind, name, rolname) from pg_roles, (
    select 'schema', nspname::text, nspowner, oid from pg_namespace
    union all select 'table', oid::regclass::text, relowner, relnamespace
        from pg_class where relkind in ('r', 'p', 'v')
    union all select 'routine', oid::regprocedure::text, proowner, pronamespace from pg_proc
    union all select 'type', oid::regtype::text, typowner, typnamespace from pg_type
        where typtype in ('c', 'd', 'e')
        and not exists (select from pg_class where pg_class.oid = typrelid and relkind <> 'c')
) as objects (kind, name, owner, namespace)
where rolname = %s and owner <> pg_roles.oid and namespace = to_regnamespace('pgmq')
"""


def install_pgmq(url: str) -> None:
    """Install pgmq in the database at ``url``, in one transaction, unless it is there."""
    with psycopg.connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('install pgmq'))")
        if _exists(connection, "to_regnamespace('pgmq')"):
            return
        connection.execute(get_embedded_install_sql().encode())
        if not _exists(connection, "to_regprocedure('pgmq.send_topic(text, jsonb, jsonb)')"):
            connection.execute(_MISSING_OVERLOAD)


def hand_over(url: str, role: str) -> None:
    """Make ``role`` the owner of the database at ``url`` and of pgmq's objects, which workers change."""
    with psycopg.connect(url) as connection:
        names = (sql.Identifier(name) for name in (connection.info.dbname, role))
        connection.execute(sql.SQL("alter database {} owner to {}").format(*names))
        for (change,) in connection.execute(_CHANGES_OF_OWNER, [role]).fetchall():
            connection.execute(str(change).encode())


def _exists(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    row = connection.execute(f"select {name} is not null".encode()).fetchone()
    return bool(row and row[0])
