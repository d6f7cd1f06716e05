"""Attempts that come at once, fail, or die on the way: the stock moves once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

from dev.paths import ROOT
from inventory.models import StockMovement
from shop.rest.idempotency import attempts
from shop.rest.models import IdempotencyRecord
from tests.support.waiting import eventually
from tests.unit.shop.rest.idempotency.conftest import FIVE_MORE, URL

pytestmark = pytest.mark.django_db(transaction=True)

#: A process that adjusts the stock and never gets to its commit.
DOOMED = f"""
import django; django.setup()
from django.contrib.auth.models import User
from rest_framework.test import APIClient
client = APIClient()
client.force_authenticate(User.objects.get())
client.post({URL!r}, {FIVE_MORE!r}, format="json", headers={{"Host": "localhost", "Idempotency-Key": "k-1"}})
"""


def movements() -> int:
    return StockMovement.objects.filter(kind="adjusted").count()


def sessions_waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO \"rest_idempotencyrecord\"%'"
        )
        return cursor.fetchone()[0]


def database_url() -> str:
    """URL of the tests' database."""
    given = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(given._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture
def blockade():
    """A transaction that no answer can be stored beside."""
    with psycopg.connect(database_url()) as session:
        session.execute("LOCK TABLE rest_idempotencyrecord IN SHARE MODE")
        yield session


def test_of_parallel_attempts_one_takes_effect(adjust, available):
    line = Barrier(8, timeout=30)

    def attempt():
        try:
            connection.ensure_connection()
            line.wait()
            return adjust("k-1")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        responses = [future.result(timeout=60) for future in [threads.submit(attempt) for _ in range(8)]]

    assert (available(), movements()) == (15, 1)
    assert {response.status_code for response in responses} <= {200, 409}
    assert sum("Idempotent-Replayed" not in r.headers for r in responses if r.status_code == 200) == 1


def test_while_the_first_attempt_is_under_way_a_second_is_409(adjust, available, blockade):
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(_adjust_and_close, adjust)
        eventually(lambda: sessions_waiting() == 1)
        try:
            second = threads.submit(_adjust_and_close, adjust).result(timeout=10)
        finally:
            blockade.rollback()
        assert first.result(timeout=30).status_code == 200

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_use")
    assert available() == 15


def _adjust_and_close(adjust):
    try:
        return adjust("k-1")
    finally:
        connection.close()


def test_a_process_killed_between_act_and_commit_has_done_neither(adjust, available, blockade):
    env = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "shop.settings"}
    with subprocess.Popen([sys.executable, "-c", DOOMED], cwd=ROOT, env=env) as doomed:
        eventually(lambda: sessions_waiting() == 1)
        doomed.kill()
    blockade.rollback()

    assert (available(), movements()) == (10, 0)
    eventually(lambda: adjust("k-1").status_code == 200)
    assert adjust("k-1")["Idempotent-Replayed"] == "true"
    assert (available(), movements()) == (15, 1)


def test_a_failed_attempt_may_be_repeated(adjust, available, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(attempts.Attempt, "keep", lambda self, response: 1 / 0)
        assert adjust("k-1").status_code == 500
    assert not IdempotencyRecord.objects.exists()
    assert (adjust("k-1").status_code, available()) == (200, 15)
