"""Database engine: a session that is terminated or read-only is noticed before it is used."""

import pytest
from django.db import InternalError, connection

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


@pytest.mark.parametrize(
    "turn",
    ["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET default_transaction_read_only = on"],
)
def test_a_session_that_turned_read_only_is_replaced_before_it_refuses_a_write(own_connection, turn):
    execute(turn)
    assert not own_connection.is_usable()
    own_connection.health_check_done = False  # as at the beginning of a request
    execute("CREATE TABLE written (id int)")
    execute("DROP TABLE written")


def test_a_session_whose_proxy_hides_that_it_is_read_only_is_replaced_after_one_refusal(own_connection):
    execute("BEGIN READ ONLY")
    with pytest.raises(InternalError):
        execute("CREATE TABLE written (id int)")
    execute("ROLLBACK")
    own_connection.close_if_unusable_or_obsolete()  # as at the end of a request
    assert own_connection.connection is None


def test_a_transaction_that_is_read_only_on_purpose_costs_no_session(own_connection):
    execute("BEGIN READ ONLY")
    execute("SELECT 1")
    execute("COMMIT")
    assert own_connection.is_usable()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def end_from_outside(one) -> None:
    with relay.connect() as session:
        session.execute("SELECT pg_terminate_backend(%s, 5000)", [one.connection.info.backend_pid])
