"""Lag of consumers behind the log, from log and inbox alone: consumers write nothing for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Min, QuerySet

from shop.ids import uuid7_at
from shop.messaging.consuming import Consumer
from shop.messaging.consuming.horizon import inbox_horizon
from shop.messaging.consuming.subscriptions import OWED
from shop.messaging.models import DeadLetter, EventRecord
from shop.postgres.planning import custom_plans

#: Age from which an event in the log has no open transaction before it: far above all time limits of ours.
SETTLED = timedelta(minutes=10)
#: Waiting events are counted up to this number.
MAX_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Lag:
    """Distance of consumers from the end of the log. Events that died count apart: they wait for a person."""

    #: Up to this position of the log, all events are consumed or dead letters.
    position: int
    #: Newest position of the log.
    end: int
    #: Published events that are not consumed yet; MAX_WAITING if there are more.
    waiting: int
    #: Age of the oldest of them; zero if there is none.
    age: timedelta
    open_dead_letters: int

    @property
    def seconds(self) -> float:
        """The age in seconds."""
        return self.age.total_seconds()


def lag_of(consumers: Sequence[Consumer], *, after: int = 0, limit: int = MAX_WAITING) -> Lag:
    """Return the lag of these consumers.

    Args:
        consumers: of logged events, as the read models of one projection have them.
        after: a position up to which they are known to have consumed everything: the search begins there.
        limit: number of waiting events to count; with 1 it is cheapest.
    """
    subscribed = [(consumer.name, type_) for consumer in consumers for type_ in consumer.logged_as]
    begin = max(after, _last_before(inbox_horizon()))
    columns = [list(column) for column in zip(*subscribed, strict=True)]
    with custom_plans(), connection.cursor() as cursor:
        cursor.execute(_WAITING, [*columns, begin, limit])
        [(end, waiting, first, since)] = cursor.fetchall()
    return Lag(
        position=max(end if first is None else first - 1, 0),
        end=end,
        waiting=waiting,
        age=max(datetime.now(UTC) - since, timedelta(0)) if since else timedelta(0),
        open_dead_letters=_open_dead_letters(consumers),
    )


def settled_position(lag: Lag) -> int:
    """Return a position that later searches may begin after: no event can appear before it any more."""
    return min(lag.position, _last_before(datetime.now(UTC) - SETTLED))


def further_behind(lag: Lag, waiting: "QuerySet[Any, Any]") -> Lag:
    """Return the lag of a reader that has these events still before it, and those of ``lag``.

    Args:
        lag: of the consumers that hand the events on.
        waiting: ids of the events, as values of a query.
    """
    found = EventRecord.objects.filter(id__in=waiting).aggregate(
        count=Count("position"), first=Min("position"), since=Min("time")
    )
    if not found["count"]:
        return lag
    return replace(
        lag,
        position=min(lag.position, found["first"] - 1),
        waiting=min(lag.waiting + found["count"], MAX_WAITING),
        age=max(lag.age, datetime.now(UTC) - found["since"]),
    )


_WAITING = f"""
    WITH waiting AS (
        SELECT record.position, record.time
        FROM unnest(%s::text[], %s::text[]) AS subscribed (consumer, type)
        JOIN messaging_subscription AS subscription USING (consumer)
        JOIN messaging_eventrecord AS record USING (type)
        WHERE record.position > %s AND {OWED}
          AND NOT EXISTS (
            SELECT FROM messaging_inboxentry AS inbox
            WHERE inbox.event_id = record.id AND inbox.consumer = subscribed.consumer)
          AND NOT EXISTS (
            SELECT FROM messaging_deadletter AS letter
            WHERE letter.event_id = record.id AND letter.consumer = subscribed.consumer
              AND letter.status <> 'replayed')
        ORDER BY record.position LIMIT %s
    )
    SELECT (SELECT coalesce(max(position), 0) FROM messaging_eventrecord), count(*), min(position), min(time)
    FROM waiting
"""  # noqa: S608 - a constant


def _last_before(moment: datetime) -> int:
    """Return the position of the newest event from before a moment; 0 if there is none."""
    older = EventRecord.objects.filter(id__lt=uuid7_at(moment)).order_by("-id")
    return older.values_list("position", flat=True).first() or 0


def _open_dead_letters(consumers: Sequence[Consumer]) -> int:
    names = [consumer.name for consumer in consumers]
    return DeadLetter.objects.filter(status=DeadLetter.Status.OPEN, consumer__in=names).count()
