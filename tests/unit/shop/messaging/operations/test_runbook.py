"""SQL statements of the runbook: they change the intended rows of the event log and no others."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from shop.messaging.models import EventRecord
from shop.messaging.publishing import publish
from tests.unit.notifications.facts import order_created

pytestmark = pytest.mark.django_db
RUNBOOK = (Path(__file__).resolve().parents[5] / "docs" / "runbook.md").read_text()


def statement(start: str) -> str:
    """Return the runbook's SQL statement that begins with ``start``."""
    found = re.search(rf"^{start}.*?;", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found, f"the runbook has no statement {start}"
    return found[0]


@pytest.fixture
def as_superuser():
    with connection.cursor() as cursor:
        cursor.execute(statement("SET session_replication_role").replace("SET", "SET LOCAL"))
        yield cursor
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_old_months_can_be_taken_out_of_the_log(as_superuser):
    old, young = publish(order_created()), publish(order_created())
    as_superuser.execute(
        "UPDATE messaging_eventrecord SET time = %s WHERE id = %s",
        [datetime(2023, 12, 31, tzinfo=UTC), old.meta.id],
    )
    as_superuser.execute(statement("DELETE FROM messaging_eventrecord"))
    assert EventRecord.objects.get().id == young.meta.id
