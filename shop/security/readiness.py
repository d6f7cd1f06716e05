"""Readiness of a web process: database, migrations, and the age of what waits for a relay.

The answer is kept for a second, so that whoever asks without end puts no load on the database.
"""

import logging
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from shop.messaging.errors import NotOpened
from shop.messaging.relay_age import relay_age
from shop.messaging.restores import opening

log = logging.getLogger(__name__)

#: Seconds for which an answer is kept.
KEPT_FOR = 1.0


@dataclass(frozen=True)
class Answer:
    """Answer to a load balancer: no names, no addresses, no errors' texts."""

    is_ready: bool
    checks: dict[str, Any]


class Readiness:
    """Readiness of this process, examined at most once in KEPT_FOR seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._examined_at = float("-inf")
        self._answer = Answer(False, {})
        self._is_migrated = False

    def answer(self) -> Answer:
        """Return the latest answer, or a new one."""
        with self._lock:
            if time.monotonic() - self._examined_at >= KEPT_FOR:
                self._answer = self._examine()
                self._examined_at = time.monotonic()
            return self._answer

    def _examine(self) -> Answer:
        try:
            if is_read_only():
                connection.close()
                return Answer(False, {"database": "read-only"})
            if not self._has_migrations():
                return Answer(False, {"database": "ok", "migrations": "missing"})
            if not _is_open():
                return Answer(False, {"database": "restored", "migrations": "applied"})
            is_in_time, relay = _relay()
        except NotOpened:
            return Answer(False, {"database": "restored"})
        except (DatabaseError, InterfaceError) as error:
            log.warning("not ready: %s", type(error).__name__)
            connection.close()
            return Answer(False, {"database": "away"})
        return Answer(is_in_time, {"database": "ok", "migrations": "applied", "relay": relay})

    def _has_migrations(self) -> bool:
        """Tell whether all migrations of this release are applied. Once they are, they remain so."""
        if not self._is_migrated:
            executor = MigrationExecutor(connection)
            self._is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return self._is_migrated


def is_read_only() -> bool:
    """Tell whether the session of the database takes no writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only') = 'on'")
        [(found,)] = cursor.fetchall()
    return bool(found)


def _is_open() -> bool:
    """Tell whether the shop may run on this database: it was not restored, or opened again."""
    with connection.cursor() as cursor:
        return opening.is_open(cursor)


def _relay() -> tuple[bool, dict[str, Any]]:
    """Return whether the outbox is relayed in time, and the relay's part of the answer.

    Orders are accepted while no relay runs, so lateness takes a web process out only if a limit is set.
    """
    age = relay_age()
    limit = settings.SHOP_READY_RELAY_LIMIT.total_seconds()
    is_in_time = not limit or age.seconds <= limit
    return is_in_time, {"running": age.relays, "oldest_seconds": round(age.seconds, 1)}


readiness = Readiness()


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if this process can serve customers, otherwise 503, and what was found."""
    answer = readiness.answer()
    state = "ready" if answer.is_ready else "not ready"
    status = HTTPStatus.OK if answer.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse({"status": state, **answer.checks}, status=status)
