"""How an accepted order is written: with all its lines, in one statement that is compiled once.

Lines go as one JSON document, so that it is the same statement, prepared, however many there are.
"""

from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection

from orders.models import Order, OrderLine
from shop import json_text

#: What the statement reads of a line, with the types of the columns.
_LINE = {"sku": "text", "name": "text", "quantity": "int", "unit_price": "numeric", "currency": "text"}


def insert(order: Order, lines: Sequence[OrderLine]) -> None:
    """Insert an order with its lines in their order; they know their serial and keys afterwards."""
    told = json_text.dumps([{name: getattr(line, name) for name in _LINE} for line in lines])
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [*_values_of(order), order.pk, told])
        rows = cursor.fetchall()
    for line, (key, serial) in zip(lines, rows, strict=True):
        line.pk, order.serial = key, serial
    for row in (order, *lines):
        row._state.adding, row._state.db = False, connection.alias


@cache
def _statement() -> str:
    names = _columns()
    line, types = ", ".join(_LINE), ", ".join(f"{name} {kind}" for name, kind in _LINE.items())
    return f"""
        WITH placed AS (
            INSERT INTO orders_order ({", ".join(names)}) VALUES ({", ".join(["%s"] * len(names))})
            RETURNING serial
        ), lines AS (
            INSERT INTO orders_orderline (order_id, {line})
            SELECT %s, {line} FROM json_to_recordset(%s) AS line ({types})
            RETURNING id
        )
        SELECT lines.id, serial FROM lines, placed ORDER BY lines.id
    """  # noqa: S608 - names of columns


@cache
def _columns() -> list[str]:
    """All columns but the serial, which the database counts."""
    return [field.attname for field in Order._meta.concrete_fields if field.attname != "serial"]


def _values_of(order: Order) -> tuple[Any, ...]:
    values: tuple[Any, ...] = attrgetter(*_columns())(order)
    return values
