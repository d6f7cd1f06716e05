"""A log of a few events, a key that signs it, and the hands of a superuser."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from shop.ids import uuid7
from shop.messaging.log_proof import keys, roots
from shop.messaging.models import EventRecord
from shop.messaging.publishing import publish
from tests.contracts.probe.events import ProbeNudged, ProbeSent

#: The rows of a log are cleared between tests, and so is its guard.
_GUARDS = ("event_append_only", "event_no_truncate", "event_add_hash")


@pytest.fixture
def log(transactional_db, settings) -> Callable[..., list[EventRecord]]:
    """Publish a few events about an aggregate, and return their rows."""
    settings.SHOP_LOG_KEY = keys.new_key()[0]

    def publish_events(count: int = 3, aggregate: UUID | None = None) -> list[EventRecord]:
        aggregate = aggregate or uuid7()
        with transaction.atomic():
            publish(ProbeSent(probe_id=aggregate, behaviour="note", number=0))
        for _ in range(count - 1):
            with transaction.atomic():
                publish(ProbeNudged(probe_id=aggregate))
        return list(EventRecord.objects.filter(aggregate_id=aggregate).order_by("sequence"))

    return publish_events


@pytest.fixture
def signed() -> Callable[[], int]:
    """Sign what was appended, without the wait for transactions that are between position and row."""
    return lambda: roots.sign_new_events(settling=0)


@contextmanager
def superuser() -> Any:
    """Give a cursor of one whom no guard of the log stops."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor


def rehash(cursor: Any, record: EventRecord) -> None:
    """Give a row the hash that belongs to what it says now."""
    cursor.execute(
        """
        UPDATE messaging_eventrecord AS event SET hash = messaging_link(NULL,
            (SELECT hash FROM messaging_eventrecord AS earlier
             WHERE earlier.aggregate_id = event.aggregate_id AND earlier.sequence = event.sequence - 1),
            messaging_event_text(id, type, aggregate_id, sequence, time, correlation_id, causation_id,
                                 traceparent, data))
        WHERE position = %s
        """,
        [record.position],
    )
