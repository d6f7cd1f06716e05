"""Counters of requests that all processes share, in the database or in Redis.

One statement or transaction both counts and reads, so that no request of another process is lost between.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils.crypto import salted_hmac

_COUNT = """
    INSERT INTO accounts_requestcount AS counted (key, number, expires_at)
    VALUES (%s, 1, clock_timestamp() + %s * interval '1 second')
    ON CONFLICT (key) DO UPDATE SET
        number = CASE WHEN counted.expires_at <= clock_timestamp() THEN 1 ELSE counted.number + 1 END,
        expires_at = CASE WHEN counted.expires_at <= clock_timestamp()
                          THEN excluded.expires_at ELSE counted.expires_at END
    RETURNING number, EXTRACT(EPOCH FROM expires_at - clock_timestamp())::float
"""
_GIVE_BACK = "UPDATE accounts_requestcount SET number = GREATEST(number - 1, 0) WHERE key = %s"


@dataclass(frozen=True, slots=True)
class Count:
    """Number of a client's requests in a window, this one included, and the seconds until it ends."""

    number: int
    seconds_left: float


class Counters(Protocol):
    """Store of the numbers."""

    def count(self, key: UUID, seconds: int) -> Count:
        """Count a request."""
        ...

    def give_back(self, key: UUID) -> None:
        """Undo a count()."""
        ...


def count(*names: str, seconds: int) -> Count:
    """Count a request of the client that ``names`` tell from others, in fixed windows of ``seconds``."""
    return counters(settings.SHOP_CACHE_URL).count(digest(*names), seconds)


def give_back(*names: str) -> None:
    """Undo a count()."""
    counters(settings.SHOP_CACHE_URL).give_back(digest(*names))


def digest(*names: str) -> UUID:
    """Return the key of a counter, from which neither name nor address can be read."""
    text = "\0".join(names).encode(errors="backslashreplace")
    return UUID(bytes=salted_hmac(__name__, text, algorithm="sha256").digest()[:16])


@cache
def counters(url: str) -> Counters:
    """Return the counters of ``SHOP_CACHE_URL``; those in the database if it is empty.

    Raises:
        ImproperlyConfigured: there is no Redis client, or the URL is none of Redis.
    """
    if not url:
        return DatabaseCounters()
    try:
        module = import_module("shop.accounts.redis_counters")
    except ModuleNotFoundError as error:
        text = "SHOP_CACHE_URL names a Redis, but its client is missing: pip install redis"
        raise ImproperlyConfigured(text) from error
    found: Counters = module.RedisCounters(url)
    return found


class DatabaseCounters:
    """Counters in a table."""

    def count(self, key: UUID, seconds: int) -> Count:
        """Count a request, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [key, seconds])
            return Count(*cursor.fetchone())

    def give_back(self, key: UUID) -> None:
        """Undo a count()."""
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, [key])
