"""Copies of orders with their rows in all contexts, by few statements for thousands of orders.

The generated SQL consists of our own table and column names.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from dev.bench.growth.bulk import statements
from dev.bench.growth.bulk.statements import ONLY, ORDER, OWN, TABLES, WORDS
from inventory import queries, services

#: Orders copied in one transaction.
CHUNK = 10_000
#: Average number of orders of a customer.
ORDERS_PER_CUSTOMER = 10
#: Types of columns that may contain references to the order.
_TEXTS = {"text", "character varying", "jsonb"}
_COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position
"""


def copy_orders(patterns: Sequence[UUID], *, total: int, span: timedelta) -> Iterator[int]:
    """Copy the patterns in turn until there are ``total`` copies; yield the number of copies so far.

    The copies were placed in the ``span`` before their patterns. Each step is a transaction, after which
    the audit holds.
    """
    with connection.cursor() as cursor:
        copies = _prepare(cursor, patterns, total)
        _stock_up(cursor, total, len(patterns))
    values = {
        "span": int(span / timedelta(milliseconds=1)),
        "inbox": settings.SHOP_INBOX_RETENTION,
        "total": total,
        "patterns": len(patterns),
        "customers": _customers(total),
    }
    for first in range(0, total, CHUNK):
        last = min(first + CHUNK, total) - 1
        _copy_chunk(copies, {**values, "first": first, "last": last})
        yield last + 1


def _prepare(cursor: Any, patterns: Sequence[UUID], total: int) -> list[str]:
    """Create the temporary tables; return the statements that copy the rows."""
    cursor.execute("DISCARD TEMP")
    cursor.execute("CREATE TEMP TABLE pattern (id uuid, nth int)")
    cursor.execute(
        "INSERT INTO pattern SELECT id, nth - 1 FROM unnest(%s) WITH ORDINALITY AS p (id, nth)",
        [list(patterns)],
    )
    cursor.execute("ANALYZE pattern")
    cursor.execute(statements.MOVE_IDS)
    cursor.execute(statements.READ_WORDS)
    cursor.execute(statements.COPY_TABLE)
    for statement in (statements.MAKE_CUSTOMERS, statements.READ_CUSTOMERS):
        cursor.execute(statement, {"customers": _customers(total)})
    cursor.execute("ANALYZE word; ANALYZE customer")
    return [_copying(cursor, table) for table in TABLES]


def _copying(cursor: Any, table: str) -> str:
    """Return the statement that copies the patterns' rows of a table."""
    reached = TABLES[table]
    join = reached if " " in reached else f"{table} AS original ON original.{reached} = pattern.id"
    rows = f"SELECT pattern.id AS pattern, original.* FROM pattern JOIN {join}"  # noqa: S608
    cursor.execute(f"CREATE TEMP TABLE copied_{table} AS {rows}")
    cursor.execute(f"ANALYZE copied_{table}")
    cursor.execute(_COLUMNS, [table])
    columns = {name: _copied(cursor, table, name, type_) for name, type_ in cursor.fetchall()}
    source = f"copy JOIN copied_{table} AS original USING (pattern) JOIN word USING (pattern)"
    rows = f"SELECT {', '.join(columns.values())} FROM {source} WHERE {ONLY.get(table, 'true')}"  # noqa: S608
    return f"INSERT INTO {table} ({', '.join(columns)}) {rows} {ORDER.get(table, '')}"


def _copied(cursor: Any, table: str, column: str, type_: str) -> str:
    """Return the SQL of a copied column."""
    value = f"original.{column}"
    if own := OWN.get((table, column)):
        return own
    if type_ == "uuid" and column != "product_id":
        return f"pg_temp.moved({value}, copy.later, copy.serial)"
    if type_ == "timestamp with time zone":
        return f"{value} + copy.shift"
    words = _words_in(cursor, table, column) if type_ in _TEXTS else []
    text = f"{value}::text" if words else value
    for word in words:
        text = f"replace({text}, coalesce(word.{word}, '?!'), coalesce(copy.{word}, ''))"
    return f"({text})::{type_}" if words else text


def _words_in(cursor: Any, table: str, column: str) -> list[str]:
    """Return the references to its order that a column contains."""
    found = ", ".join(
        f"coalesce(bool_or(position(word.{w} IN original.{column}::text) > 0), false)" for w in WORDS
    )
    cursor.execute(f"SELECT {found} FROM copied_{table} AS original JOIN word USING (pattern)")  # noqa: S608
    return [word for word, is_there in zip(WORDS, cursor.fetchone(), strict=True) if is_there]


def _stock_up(cursor: Any, total: int, patterns: int) -> None:
    """Adjust the stock by the service, so that its ledger stays complete."""
    cursor.execute(statements.NEEDED)
    needed = {sku: quantity * -(-total // patterns) for sku, quantity in cursor.fetchall()}
    for sku, level in queries.stock_levels(list(needed)).items():
        if (missing := needed[sku] - level.available) > 0:
            reason = "for orders made in bulk"
            services.adjust_stock(sku=sku, quantity=missing, reason=reason, actor="make_orders")


@transaction.atomic
def _copy_chunk(copies: Sequence[str], values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute("TRUNCATE copy")
        cursor.execute(statements.MAKE_COPIES, values)
        cursor.execute("ANALYZE copy")
        for statement in copies:
            cursor.execute(statement, values)
        for statement in statements.SUMS:
            cursor.execute(statement)


def _customers(total: int) -> int:
    """Return the number of customers, which has no divisor in common with the number of patterns."""
    return total // (10 * ORDERS_PER_CUSTOMER) * 10 + 1
