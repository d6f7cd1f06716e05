"""Feed of new events, and the commands around it: the server may end their session."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import connection

from dev.load.feed import Feed
from dev.paths import ROOT
from tests.unit.shop.messaging.support import published

pytestmark = pytest.mark.django_db(transaction=True)
_END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"


def url(name: str = "feed") -> str:
    """Return the URL of the tests' database, for a session by this name."""
    info = connection.settings_dict
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    return f"{server}/{info['NAME']}?application_name={name}"


def end_session(name: str = "feed") -> None:
    with connection.cursor() as cursor:
        cursor.execute(_END, [name])


def test_a_feed_goes_on_and_leaves_nothing_out_when_its_session_is_ended():
    feed = Feed(url())
    published()
    assert len(list(feed.new())) == 1
    published(2)
    end_session()
    published()

    assert len(list(feed.new())) == 3
    assert list(feed.new()) == []
    feed.close()


@pytest.mark.parametrize("error", [psycopg.OperationalError, psycopg.InterfaceError])
def test_a_script_whose_session_is_ended_says_so_in_one_line(error):
    program = (
        "import psycopg; from dev.console import run_command\n"
        f"def main(arguments): raise psycopg.{error.__name__}('ended\\nby the administrator')\n"
        "run_command('bench', main)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "script/bench: the database ended the session" in done.stderr
