"""Installation of pgmq, the embedded broker, in a database of its own."""

import psycopg
from pgmq.install import get_embedded_install_sql

#: Signature that pgmq 1.1.4 calls for messages with headers and that its SQL 1.13.0 lacks.
_MISSING_OVERLOAD = """
create function pgmq.send_topic(routing_key text, msg jsonb, headers jsonb) returns integer
language sql as $$ select pgmq.send_topic($1, $2, $3, 0) $$
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


def _exists(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    row = connection.execute(f"select {name} is not null".encode()).fetchone()
    return bool(row and row[0])
