"""Exporter: the readings of database and broker, made when they are scraped and kept for some seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

from django.db import connection

from shop.metrics import families
from shop.metrics.exposition import serve_samples
from shop.metrics.sources import SOURCES, Sample, Source

logger = logging.getLogger(__name__)

#: Seconds for which readings are kept, whoever scrapes how often.
CACHE_SECONDS = 5.0
#: Seconds for a statement.
_STATEMENT_TIMEOUT = 5


class Exporter:
    """Reader of all sources."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: list[Sample] = []
        self._read_at = float("-inf")
        self._failures: Counter[str] = Counter(dict.fromkeys(SOURCES, 0))

    def samples(self) -> list[Sample]:
        """Return the readings, which are at most CACHE_SECONDS old."""
        with self._lock:
            if time.monotonic() - self._read_at > CACHE_SECONDS:
                self._samples, self._read_at = list(self._read()), time.monotonic()
            return self._samples

    def _read(self) -> Iterator[Sample]:
        try:
            for name, source in SOURCES.items():
                yield from self._read_one(name, source)
        finally:
            connection.close()  # of the server's thread, which ends with the scrape

    def _read_one(self, name: str, source: Source) -> Iterator[Sample]:
        """Read a source. One that fails is left out, so that alerts on its absence fire."""
        began = time.monotonic()
        try:
            _limit_statements()
            yield from list(source())
        except Exception as error:  # noqa: BLE001 - the other sources are read all the same
            connection.close()
            self._failures[name] += 1
            logger.warning("the metrics of %s cannot be read: %s", name, type(error).__name__)
        else:
            yield Sample(families.READING_DURATION, time.monotonic() - began, (name,))
        yield Sample(families.READING_FAILURES, self._failures[name], (name,))


def _limit_statements() -> None:
    if connection.connection is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{_STATEMENT_TIMEOUT}s"])


def serve() -> None:
    """Serve the readings."""
    serve_samples(Exporter().samples)
