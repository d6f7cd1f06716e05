"""Management commands whose database session is ended, or finds no server: one line, no traceback."""

import os
import subprocess
import sys

import psycopg
import pytest

from dev.paths import ROOT
from dev.processes import programs
from tests.support.servers import fresh_database
from tests.support.waiting import eventually

_END_WAITING = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def database():
    """URL of a database with tables."""
    with fresh_database(os.environ["DATABASE_URL"]) as url:
        start(url, "migrate", "--skip-checks", "-v0").communicate()
        yield url


def start(url: str, *arguments: str) -> "subprocess.Popen[str]":
    env = programs.environment(database_url=url, broker_url="memory://")
    argv = [sys.executable, "-W", "ignore", "manage.py", *arguments]
    return subprocess.Popen(argv, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def expect_one_line(process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert len(errors.strip().splitlines()) == 1, errors
    assert "manage.py: the database ended the session" in errors


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("audit --repair", "messaging_eventrecord"),
        ("dead_letters list", "messaging_deadletter"),
        ("rebuild_analytics", "messaging_eventrecord"),
    ],
)
def test_a_command_whose_session_is_ended_says_so_in_one_line(database, command, table):
    with psycopg.connect(database) as lock, psycopg.connect(database, autocommit=True) as session:
        lock.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        process = start(database, *command.split())
        try:
            eventually(lambda: session.execute(_END_WAITING).fetchall(), within=30)
        except AssertionError:
            process.kill()
            raise
        finally:
            lock.rollback()
            expect_one_line(process)


def test_a_command_without_a_server_says_so_in_one_line():
    expect_one_line(start("postgresql://nobody@127.0.0.1:1/shop", "audit"))


def test_a_reader_that_has_gone_is_no_error():
    env = programs.environment(database_url="postgresql://nobody@127.0.0.1:1/none", broker_url="memory://")
    argv = [sys.executable, "-W", "ignore", "manage.py", "diffsettings"]
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(argv, env=env, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, "")
