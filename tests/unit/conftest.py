"""Unit tests share one database, which pytest-django empties by TRUNCATE."""

import pytest
from django.db import connection


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let the log be emptied between tests; one test holds that it is refused otherwise."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER event_no_truncate")
