"""Statements of an order from its placing to its delivery."""

from django.db import connection
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH, MAX_CACHED_STATEMENT_PARAMS


def test_psycopg_keeps_every_statement_of_an_order_parsed(shop):
    """It parses anew, each time, what is longer or has more parameters."""

    def look(execute, sql, params, many, context):
        if len(sql) > MAX_CACHED_STATEMENT_LENGTH or len(params or ()) > MAX_CACHED_STATEMENT_PARAMS:
            found[sql[:60]] = (len(sql), len(params or ()))
        return execute(sql, params, many, context)

    found: dict[str, tuple[int, int]] = {}
    with connection.execute_wrapper(look):
        shop.too_late()
    assert found == {}
