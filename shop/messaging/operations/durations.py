"""Durations from the first event of an aggregate to later ones, read from the log as it grows."""

from collections.abc import Collection, Iterator

from django.db import connection

#: Seconds for an event to appear in the log after its position was taken. A later one is not counted.
SETTLING = 5
#: Events in one reading.
_LIMIT = 20_000

_NEW = """
    SELECT later.position, later.type,
           extract(epoch FROM later.time - first.time)::double precision
    FROM messaging_eventrecord AS later
    JOIN messaging_eventrecord AS first ON first.aggregate_id = later.aggregate_id AND first.sequence = 1
    WHERE later.type = ANY(%s) AND later.position > %s AND later.time < now() - make_interval(secs => %s)
    ORDER BY later.position LIMIT %s
"""


class NewDurations:
    """Reader of the events of some types that are new since the last reading."""

    def __init__(self, types: Collection[str]) -> None:
        self._types = list(types)
        self._position: int | None = None

    def read(self) -> Iterator[tuple[str, float]]:
        """Yield the type of each new event and the seconds since the first event about its aggregate."""
        with connection.cursor() as cursor:
            if self._position is None:
                cursor.execute("SELECT coalesce(max(position), 0) FROM messaging_eventrecord")
                (self._position,) = cursor.fetchone()
            cursor.execute(_NEW, [self._types, self._position, SETTLING, _LIMIT])
            for position, type_, seconds in cursor.fetchall():
                self._position = position
                yield type_, max(0.0, seconds)
