"""Stale plans: after a migration alters a column, prepared statements fail once and are replaced."""

import pytest
from django.core.signals import got_request_exception
from django.db import NotSupportedError, connection

from shop.messaging import database_errors

pytestmark = pytest.mark.django_db(transaction=True)


def select_tea():
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM stale WHERE word = %s", ["tea"])
        return cursor.fetchall()


@pytest.fixture
def outdated():
    """Alter a column of a statement that the connection has prepared."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("CREATE TABLE stale (word varchar(10))")
    for _ in range(5):
        select_tea()
    with other.cursor() as cursor:
        cursor.execute("ALTER TABLE stale ALTER word TYPE varchar(20)")
    yield
    with other.cursor() as cursor:
        cursor.execute("DROP TABLE stale")
    other.close()


def test_a_run_of_a_consumer_takes_it_for_an_outage(outdated):
    with pytest.raises(NotSupportedError) as error:
        select_tea()
    assert database_errors.is_outage(error.value)


def test_a_request_that_failed_of_it_is_the_last(outdated):
    try:
        select_tea()
    except NotSupportedError:
        got_request_exception.send(sender=None, request=None)
    assert select_tea() == []
