"""Fence after a restore: messages of the lost time, which the restored log does not have, take no effect.

A broker that is newer than the database still has them. Everything that the shop published before it was
opened again must be in the log, so only messages with an older id are looked up, and none if the database was
never restored. Timers are not logged: one about an order that the log does not know is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from shop.ids import uuid7_at
from shop.messaging.consuming import failures
from shop.messaging.consuming.registry import Consumer
from shop.messaging.contracts import Reminder
from shop.messaging.models import Restore

#: Time after the opening for which messages are looked up all the same: clocks of machines differ.
MARGIN = timedelta(minutes=10)

_UNKNOWN = """
    SELECT id::text FROM unnest(%s::uuid[]) AS asked (id)
    WHERE NOT EXISTS (SELECT FROM messaging_eventrecord AS record WHERE record.id = asked.id)
      AND NOT EXISTS (SELECT FROM messaging_deadletteraction AS edit WHERE edit.copy_id = asked.id)
"""
_UNKNOWN_AGGREGATES = """
    SELECT id::text FROM unnest(%s::uuid[]) AS asked (id)
    WHERE NOT EXISTS (SELECT FROM messaging_eventrecord AS record WHERE record.aggregate_id = asked.id)
"""

#: Body and headers of a delivered event.
_Delivery = tuple[Any, dict[str, int]]


class Fence:
    """Fence that a process reads once a connection: a restore ends all connections."""

    #: Id below which messages are looked up; empty if the database was never restored, None if unread.
    limit: str | None = None

    def read(self) -> str:
        """Return the limit."""
        if self.limit is None:
            opened = Restore.objects.filter(is_restore=True).order_by("-id")
            latest = opened.values_list("opened_at", flat=True).first()
            self.limit = str(uuid7_at(latest + MARGIN)) if latest else ""
        return self.limit


local_fence = Fence()


@receiver(connection_created)
def read_again(**kwargs: object) -> None:
    """Forget the limit: the database behind a new connection may be another one."""
    local_fence.limit = None


def refuse_lost(consumer: Consumer, deliveries: list[_Delivery]) -> list[_Delivery]:
    """Make dead letters of the messages of the lost time; return the others."""
    limit = local_fence.read()
    if not limit:
        return deliveries
    asked = {
        id(body): subject
        for body, _ in deliveries
        if (subject := _subject(consumer, body, limit)) is not None
    }
    if not asked:
        return deliveries
    unknown = _unknown(consumer, list(asked.values()))
    lost = [body for body, _ in deliveries if asked.get(id(body)) in unknown]
    for body in lost:
        failures.dead_letter_lost(app=consumer.app, consumer=consumer.name, body=json.dumps(body))
    refused = set(map(id, lost))
    return [one for one in deliveries if id(one[0]) not in refused]


def _subject(consumer: Consumer, body: Any, limit: str) -> str | None:
    """Return what to look up about a message: the event, or the order of a timer; None for neither.

    The envelope was checked when the message came.
    """
    if not isinstance(body, dict) or not str(body.get("id", "")) < limit:
        return None
    if not issubclass(consumer.event, Reminder):
        return str(body["id"])
    data = body.get("data")
    order_id = data.get("order_id") if isinstance(data, dict) else None
    return None if order_id is None else str(order_id)


def _unknown(consumer: Consumer, ids: Sequence[str]) -> set[str]:
    query = _UNKNOWN_AGGREGATES if issubclass(consumer.event, Reminder) else _UNKNOWN
    with connection.cursor() as cursor:
        cursor.execute(query, [list(ids)])
        return {id_ for (id_,) in cursor.fetchall()}
