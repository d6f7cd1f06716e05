"""Age of what waits for a relay, for health checks: two index lookups."""

from dataclasses import dataclass

from django.db import connection

from shop.messaging.relay.shards import COUNT_RELAYS

_OLDEST = """
    SELECT coalesce(extract(epoch FROM now() - created_at), 0)::float8
    FROM messaging_outboxentry ORDER BY id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class RelayAge:
    """State of the relays together."""

    #: Number of relays with a session on the database.
    relays: int
    #: Age in seconds of the oldest message that no broker has confirmed; 0 if there is none.
    seconds: float


def relay_age() -> RelayAge:
    """Return the age, from outbox and locks: relays write nothing for it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({COUNT_RELAYS}), ({_OLDEST})")
        [(relays, seconds)] = cursor.fetchall()
    return RelayAge(relays, max(seconds or 0.0, 0.0))
