"""Sessions that a failover left read-only: web requests replace them, and the health check tells them."""

import contextlib
import http.client
import os
from collections.abc import Callable
from contextlib import closing, contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.support.servers import fresh_database, name_of
from tests.support.waiting import eventually
from tests.support.web_server import web_server

#: A view that writes a row, as an order does.
VIEWS = """
from django.db import connection
from django.http import HttpResponse

def order(request):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO placed DEFAULT VALUES")
    return HttpResponse("placed")

VIEWS = {"order": order}
"""
ATTEMPTS = 10


@contextmanager
def read_only(database_url: str):
    """Have the database refuse writes in new sessions, and end those that are open."""
    switch = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as session:
        name = sql.Identifier(name_of(database_url))
        session.execute(switch.format(name, sql.SQL("on")))
        end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        session.execute(end, [name_of(database_url)])
        yield
        session.execute(switch.format(name, sql.SQL("off")))


@pytest.fixture
def ask(tmp_path):
    """Yield a function that sends GET and returns status and body, and the URL of the shop's database."""
    with fresh_database(os.environ["DATABASE_URL"]) as url:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("CREATE TABLE placed (id bigserial)")
        with web_server(tmp_path, VIEWS, DATABASE_URL=url, WEB_CONCURRENCY="1") as server:

            def get(path: str) -> tuple[int, bytes]:
                with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as client:
                    client.request("GET", path)
                    answer = client.getresponse()
                    return answer.status, answer.read()

            def is_up() -> bool:
                with contextlib.suppress(OSError):  # the port is open before anybody answers
                    return get("/healthz") == (200, b"ok")
                return False

            eventually(is_up)
            yield get, url


def repeatedly(ask: Callable[[str], tuple[int, bytes]], path: str) -> set[tuple[int, bytes]]:
    """Ask so often that every thread has answered."""
    return {ask(path) for _ in range(ATTEMPTS)}


def test_orders_are_taken_once_the_database_takes_writes_again_without_ending_a_session(ask):
    get, url = ask
    assert repeatedly(get, "/order") == {(200, b"placed")}

    with read_only(url):
        assert {status for status, _ in repeatedly(get, "/order")} == {500}
        assert repeatedly(get, "/healthz") == {(503, b"the database is read-only")}
        assert get("/readyz") == (503, b'{"status": "not ready", "database": "read-only"}')

    assert repeatedly(get, "/order") == {(200, b"placed")}
    assert repeatedly(get, "/healthz") == {(200, b"ok")}


def test_without_its_database_a_process_is_alive_and_not_ready_and_says_no_more(ask):
    get, url = ask
    assert get("/readyz") == (503, b'{"status": "not ready", "database": "ok", "migrations": "missing"}')

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as session:
        name = sql.Identifier(name_of(url))
        session.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        session.execute(end, [name_of(url)])
        eventually(lambda: get("/readyz") == (503, b'{"status": "not ready", "database": "away"}'))
        assert repeatedly(get, "/livez") == {(200, b"ok")}
