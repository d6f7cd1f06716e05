"""Sender: claims deliveries that are due and sends them, many at once.

One thread does all that needs the database. Requests run in threads of their own, outside of transactions,
and of each endpoint only a few at a time. So an endpoint that hangs holds its own few threads, and no others.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from integrations import repository
from integrations.http_client import Connection, Deadlines
from integrations.models import Delivery
from integrations.repository import CHANNEL, Limits
from integrations.requests import Result, bodies_of, send
from integrations.results import record_results
from integrations.schedule import BREAKER_OPENS_AT
from shop.messaging.restores import opening
from shop.postgres.engine.hidden_values import hide_values

logger = logging.getLogger(__name__)

#: Longest wait for a notification, in seconds, in case one is lost.
POLL_INTERVAL = 1.0
#: Longest wait for a result while requests run, in seconds: then notifications are looked at.
RESULT_INTERVAL = 0.05
#: Seconds between two looks for deliveries that are due while requests run.
CLAIM_INTERVAL = 0.5
#: First and longest pause after an error, in seconds.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
#: Mean seconds of a request from which an endpoint is slow, and requests at once to a slow one.
SLOW, SLOW_REQUESTS = 1.0, 2
#: Seconds for which a connection is used again. Then its name is resolved anew.
CONNECTION_AGE = 60.0
#: Seconds between two looks for deliveries whose time is over.
EXPIRY_INTERVAL = 60.0


class Sender:
    """Sends until stop(). While the database is away it waits."""

    def __init__(self) -> None:
        self._timeout = settings.SHOP_ENDPOINT_TIMEOUT.total_seconds()
        self._deadlines = Deadlines(self._timeout)
        #: Longer than all requests of a claim can take, of which each endpoint has few.
        self._lease = timedelta(seconds=2 * self._timeout + 30)
        self._stopping = threading.Event()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._running: dict[int, Delivery] = {}
        self._seconds: dict[UUID, float] = {}
        self._connections = _Connections()
        self._next_claim = self._next_expiry = 0.0
        self._pause = SHORTEST_PAUSE

    def stop(self) -> None:
        """Send nothing more, and return once what is on its way is done."""
        self._stopping.set()

    def run(self) -> None:
        """Send until stop()."""
        with ThreadPoolExecutor(settings.SHOP_ENDPOINT_THREADS, thread_name_prefix="webhook") as threads:
            while not self._stopping.is_set():
                try:
                    self._listen()
                    while not self._stopping.is_set():
                        self._turn(threads)
                        self._pause = SHORTEST_PAUSE
                except Exception as error:  # noqa: BLE001 - the sender survives every error
                    self._survive(error)
            self._finish()

    def _survive(self, error: Exception) -> None:
        hide_values(error)
        logger.warning("webhooks pause: %s: %s", type(error).__name__, error)
        connection.close()
        self._stopping.wait(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _listen(self) -> None:
        with connection.cursor() as cursor:
            opening.check_open(cursor)
            cursor.execute(f"LISTEN {CHANNEL}")
        self._next_claim = 0.0

    def _turn(self, threads: ThreadPoolExecutor) -> None:
        """Record results, claim what is due and hand it to the threads; wait if there is nothing to do."""
        self._deadlines.enforce()
        if results := self._finished():
            self._record(results)
            self._next_claim = 0.0
        if self._notified() or time.monotonic() >= self._next_claim:
            self._claim(threads)

    def _claim(self, threads: ThreadPoolExecutor) -> None:
        free = settings.SHOP_ENDPOINT_THREADS - len(self._running)
        slow = [endpoint for endpoint, seconds in self._seconds.items() if seconds > SLOW]
        limits = Limits(BREAKER_OPENS_AT, settings.SHOP_ENDPOINT_REQUESTS, SLOW_REQUESTS, max(free, 0))
        claimed = repository.claim(limits, slow=slow, lease=self._lease) if free > 0 else []
        bodies = bodies_of(claimed) if claimed else {}
        for delivery in claimed:
            self._running[delivery.pk] = delivery
            threads.submit(self._send, delivery, bodies.get(delivery.pk))
        self._next_claim = time.monotonic() + (CLAIM_INTERVAL if self._running else self._until_next())
        self._expire()

    def _until_next(self) -> float:
        seconds = repository.seconds_to_next()
        return POLL_INTERVAL if seconds is None else min(max(seconds, RESULT_INTERVAL), POLL_INTERVAL)

    def _expire(self) -> None:
        if time.monotonic() >= self._next_expiry:
            repository.give_up_expired()
            self._next_expiry = time.monotonic() + EXPIRY_INTERVAL

    def _send(self, delivery: Delivery, body: str | None) -> None:
        """Send a delivery, in a thread of its own."""
        link = self._connections.take(delivery.endpoint_id, delivery.endpoint.url)
        self._deadlines.begin(link)
        try:
            result = send(delivery, body, link, timeout=self._timeout)
        finally:
            self._deadlines.done(link)
        self._connections.give_back(delivery.endpoint_id, link)
        self._results.put(result)

    def _finished(self) -> list[Result]:
        """Return the results that are there; while requests run, wait for the first a moment."""
        results = []
        try:
            if self._running:
                results.append(self._results.get(timeout=RESULT_INTERVAL))
            while True:
                results.append(self._results.get_nowait())
        except queue.Empty:
            return results

    def _record(self, results: list[Result]) -> None:
        """Record results; those that could not be recorded are sent again when their lease ends."""
        for result in results:
            endpoint_id = result.delivery.endpoint_id
            known = self._seconds.get(endpoint_id, result.seconds)
            self._seconds[endpoint_id] = 0.7 * known + 0.3 * result.seconds
            self._running.pop(result.delivery.pk, None)
        record_results(results)

    def _notified(self) -> bool:
        """Return whether something has become due; without requests, wait for that."""
        wait = 0.0 if self._running else max(0.0, min(self._next_claim - time.monotonic(), POLL_INTERVAL))
        assert connection.connection  # noqa: S101 - _listen() has opened it
        return bool(list(connection.connection.notifies(timeout=wait, stop_after=1)))

    def _finish(self) -> None:
        """Record what was on its way when the sender was stopped."""
        until = time.monotonic() + self._timeout + 1
        try:
            while self._running and time.monotonic() < until:
                self._deadlines.enforce()
                if results := self._finished():
                    self._record(results)
        except Exception as error:  # noqa: BLE001 - leases end by themselves
            logger.warning("webhooks that were on their way are sent again: %s", type(error).__name__)
        self._connections.close()
        connection.close()


class _Connections:
    """Connections that are kept for the next request of their endpoint."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: defaultdict[UUID, list[tuple[Connection, float]]] = defaultdict(list)
        self._opened: dict[Connection, float] = {}

    def take(self, endpoint_id: UUID, url: str) -> Connection:
        """Return a connection to a URL, an idle one if there is one that is not too old."""
        now = time.monotonic()
        with self._lock:
            while self._idle[endpoint_id]:
                link, since = self._idle[endpoint_id].pop()
                if link.url == url and now - since < CONNECTION_AGE:
                    self._opened[link] = since
                    return link
                link.discard()
            link = Connection(url)
            self._opened[link] = now
            return link

    def give_back(self, endpoint_id: UUID, link: Connection) -> None:
        """Keep a connection that is still open."""
        with self._lock:
            since = self._opened.pop(link)
            if link.sock is not None:
                self._idle[endpoint_id].append((link, since))

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for idle in self._idle.values():
                for link, _ in idle:
                    link.discard()
            self._idle.clear()
