"""Taker: follows the log and takes up what endpoints want, each event once, by position.

A worker of integrations runs one in a thread. Of several, one at a time takes up a part.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.db import connection, transaction

from integrations.models import TakenUp
from integrations.services import enabled_endpoints, take_up
from shop.messaging.event_log import logged_within
from shop.messaging.log_horizon import APPENDED, LogHorizon
from shop.messaging.restores import opening
from shop.postgres.engine.hidden_values import hide_values

logger = logging.getLogger(__name__)

#: Events that one transaction takes up.
PART = 500
#: Seconds between two looks at the log: so a busy log is read in parts of some size.
LOOK_INTERVAL = 0.02
#: Longest wait for a notification, in seconds. Also the interval of looks while there is no endpoint.
POLL_INTERVAL = 1.0
#: First and longest pause after an error, in seconds.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Taker:
    """Takes up until stop(). While the database is away it waits."""

    def __init__(self) -> None:
        self._horizon = LogHorizon()
        self._stopping = threading.Event()
        #: There is an endpoint that gets events.
        self._is_wanted = False
        self._pause = SHORTEST_PAUSE

    def stop(self) -> None:
        """Begin no further part."""
        self._stopping.set()

    def run(self) -> None:
        """Take up until stop()."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - the taker survives every error
                self._survive(error)
        connection.close()

    def take_up_part(self) -> bool:
        """Take up the next part of the log. Returns True if more of it is left."""
        horizon = self._horizon.look()
        with transaction.atomic():
            taken = TakenUp.objects.select_for_update(skip_locked=True).first()
            endpoints = enabled_endpoints()
            self._is_wanted = bool(endpoints)
            if taken is None or taken.position >= horizon:  # another worker is at it, or nothing is new
                return False
            facts = logged_within(taken.position, horizon, limit=PART) if endpoints else []
            take_up(facts, endpoints)
            is_full = len(facts) == PART
            TakenUp.objects.update(position=facts[-1].position if is_full else horizon)
        return is_full

    def _follow(self) -> None:
        with connection.cursor() as cursor:
            opening.check_open(cursor)
            cursor.execute(f"LISTEN {APPENDED}")
        while not self._stopping.is_set():
            if not self.take_up_part():
                self._wait()
            self._pause = SHORTEST_PAUSE

    def _wait(self) -> None:
        """Wait for commits. While there is no endpoint, a look now and then does."""
        session: Any = connection.connection
        self._stopping.wait(LOOK_INTERVAL if self._is_wanted else POLL_INTERVAL)
        is_notified = bool(list(session.notifies(timeout=0)))
        if self._is_wanted and not is_notified and not self._horizon.is_behind:
            list(session.notifies(timeout=POLL_INTERVAL, stop_after=1))

    def _survive(self, error: Exception) -> None:
        hide_values(error)
        logger.warning("no events are taken up: %s: %s", type(error).__name__, error)
        connection.close()
        self._stopping.wait(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
