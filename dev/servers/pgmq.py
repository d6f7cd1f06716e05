"""The embedded broker: pgmq's tables and functions in a database of its own."""

import psycopg
from pgmq.install import get_embedded_install_sql

#: pgmq 1.1.4 calls this signature, and its SQL 1.13.0 lacks it: without it no message with headers is sent.
_MISSING_OVERLOAD = """
create function pgmq.send_topic(routing_key text, msg jsonb, headers jsonb) returns integer
language sql as $$ select pgmq.send_topic($1, $2, $3, 0) $$
"""

#: pgmq drops and makes its trigger anew at each declaration of a queue: two workers that start together
#: get in each other's way, and messages of that moment are announced to nobody.
_GUARD = """
alter function pgmq.enable_notify_insert(text, integer) rename to enable_notify_insert_unguarded;
create function pgmq.enable_notify_insert(queue_name text, throttle_interval_ms integer default 250)
returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('notify ' || queue_name));
    if not exists (
        select from pg_trigger
        where tgrelid = to_regclass('pgmq.' || quote_ident(pgmq.format_table_name(queue_name, 'q')))
          and tgname = 'trigger_notify_queue_insert_listeners'
    ) then
        perform pgmq.enable_notify_insert_unguarded(queue_name, throttle_interval_ms);
    end if;
end $$
"""


def install_pgmq(url: str) -> None:
    """Install pgmq into the database at ``url`` unless it is there; all of it, or nothing."""
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
