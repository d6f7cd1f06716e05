"""Counters in Redis. This module is imported only if ``SHOP_CACHE_URL`` is set: its client is optional."""

import logging
from importlib import import_module
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from shop.accounts.counters import Count

#: Not a requirement of a deployment, and so no import of its own.
redis = import_module("redis")
logger = logging.getLogger(__name__)

#: Seconds to wait for Redis.
_TIMEOUT = 0.5
_PREFIX = "shop:count:"


class RedisCounters:
    """Counters in Redis. While it cannot be reached, requests are not counted, and so not refused."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ImproperlyConfigured("SHOP_CACHE_URL is no URL of Redis: write redis://host:6379/0")
        self._client = redis.Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)

    def count(self, key: UUID, seconds: int) -> Count:
        """Count a request, in one transaction of Redis."""
        name = f"{_PREFIX}{key}"
        try:
            with self._client.pipeline() as commands:
                commands.set(name, 0, ex=seconds, nx=True).incr(name).pttl(name)
                _, number, milliseconds = commands.execute()
        except redis.RedisError as error:
            logger.warning("requests are not counted: %s", error)
            return Count(0, seconds)
        return Count(number, milliseconds / 1000)

    def give_back(self, key: UUID) -> None:
        """Undo a count(). A window that has just ended is not revived."""
        name = f"{_PREFIX}{key}"
        try:
            if self._client.exists(name):
                self._client.decr(name)
        except redis.RedisError as error:
            logger.warning("a request stays counted: %s", error)
