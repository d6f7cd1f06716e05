"""Presence of workers: each tells the database every few seconds that it is alive and what it has in hand.

A thread of the worker's main process writes, so that a slow database never holds the event loop up. It
opens a connection for each report: one that is kept would be shared with the processes that the pool forks.
"""

import logging
import os
import socket
import threading
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from celery.worker import state
from django.db import DatabaseError, connection

#: Seconds between two reports.
INTERVAL = 5.0
#: Seconds without a report after which a worker counts as gone.
GONE_AFTER = 15.0
#: Days after which the row of a worker that was killed is removed.
_KEPT = "1 day"

logger = logging.getLogger(__name__)

_REPORT = """
    INSERT INTO messaging_workernode AS node
        (name, host, pid, queues, processes, started_at, seen_at, in_hand, runs, runs_a_minute)
    VALUES (%(name)s, %(host)s, %(pid)s, %(queues)s, %(processes)s, now(), now(), %(in_hand)s, %(runs)s, 0)
    ON CONFLICT (name) DO UPDATE SET
        host = excluded.host, pid = excluded.pid, queues = excluded.queues, processes = excluded.processes,
        started_at = CASE WHEN node.pid = excluded.pid AND node.host = excluded.host
                          THEN node.started_at ELSE excluded.started_at END,
        seen_at = excluded.seen_at, in_hand = excluded.in_hand, runs = excluded.runs,
        runs_a_minute = CASE WHEN node.pid = excluded.pid AND node.host = excluded.host
                               AND excluded.seen_at > node.seen_at
                             THEN (excluded.runs - node.runs) * 60
                                  / extract(epoch FROM excluded.seen_at - node.seen_at) ELSE 0 END
"""
_FORGET_OLD = "DELETE FROM messaging_workernode WHERE seen_at < now() - %s::interval"
_FORGET = "DELETE FROM messaging_workernode WHERE name = %s AND pid = %s"


class Presence(threading.Thread):
    """Reports of one worker."""

    def __init__(self, celery_consumer: Any) -> None:
        super().__init__(name="presence", daemon=True)
        self._name = celery_consumer.hostname
        self._queues = sorted(celery_consumer.app.amqp.queues.consume_from)
        self._processes = celery_consumer.controller.concurrency
        self._stopping = threading.Event()

    def run(self) -> None:
        """Report until stop(); a report that fails is made up for by the next one."""
        self._write(_FORGET_OLD, [_KEPT])
        while not self._stopping.is_set():
            self._write(_REPORT, self._facts())
            self._stopping.wait(INTERVAL)
        self._write(_FORGET, [self._name, os.getpid()])

    def stop(self) -> None:
        """Take the worker off the list, and wait for that for a moment."""
        self._stopping.set()
        self.join(timeout=2)

    def _facts(self) -> dict[str, Any]:
        return {
            "name": self._name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "queues": ", ".join(self._queues),
            "processes": self._processes,
            "in_hand": len(state.reserved_requests),
            "runs": sum(state.total_count.values()),
        }

    def _write(self, statement: str, parameters: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
        except DatabaseError as error:
            logger.warning("the worker could not report that it is alive: %s", type(error).__name__)
        finally:
            connection.close()


_running: list[Presence] = []


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Begin to report when the worker is ready."""
    presence = Presence(sender)
    _running.append(presence)
    presence.start()


@worker_shutdown.connect
def end(**_: Any) -> None:
    """Take the worker off the list at its end."""
    while _running:
        _running.pop().stop()
