"""Settings of the database connections of workers."""

import pytest
from django.db import connection

from shop.messaging.models import EventRecord
from shop.messaging.worker import connections as workers_connections


@pytest.fixture
def connection_of_a_pool_process(transactional_db, settings):
    """The test's connection, reopened with the settings of a pool process."""
    before = dict(connection.settings_dict["OPTIONS"])
    connection.close()
    workers_connections.prefer_index_scans()
    yield connection
    connection.close()
    connection.settings_dict["OPTIONS"] = before


def test_a_plan_that_was_made_for_an_empty_table_goes_by_index(connection_of_a_pool_process):
    assert not EventRecord.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")  # as it is kept from the sixth time on
        cursor.execute("PREPARE look_up (uuid[]) AS SELECT FROM messaging_eventrecord WHERE id = ANY($1)")
        cursor.execute("EXPLAIN EXECUTE look_up ('{}')")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "messaging_eventrecord_id_key" in plan, plan


def test_what_the_settings_ask_of_a_session_stays(connection_of_a_pool_process):
    with connection.cursor() as cursor:
        cursor.execute("SHOW tcp_user_timeout")
        assert cursor.fetchone() == ("20000",)
