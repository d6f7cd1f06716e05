"""Database engine: a terminated session is noticed before it is used."""

import pytest
from django.db import connection

from shop.messaging.relay import relay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_connection():
    """Yield the connection, and close it afterwards."""
    connection.ensure_connection()
    yield connection
    connection.close()


def test_a_connection_that_works_is_usable_and_is_not_asked(own_connection, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert own_connection.is_usable()


def test_a_request_replaces_a_connection_that_the_server_has_ended(own_connection):
    end_from_outside(own_connection)
    assert not own_connection.is_usable()
    own_connection.health_check_done = False  # as at the beginning of a request
    with own_connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_closed_connection_is_not_usable(own_connection):
    own_connection.connection.close()
    assert not own_connection.is_usable()


def end_from_outside(one) -> None:
    with relay.connect() as session:
        session.execute("SELECT pg_terminate_backend(%s, 5000)", [one.connection.info.backend_pid])
