"""How gunicorn serves shop: ``gunicorn -c shop/serving.py shop.wsgi``; the environment sets the numbers."""

import mmap
import os
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from shop import garbage

bind = os.environ.get("SHOP_BIND", "127.0.0.1:8000")
#: A process per core keeps Python busy; threads keep slow clients from holding a process. More than two
#: compete for Python's lock, and cost more than they bring.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "2"))
#: Imported once, before the workers are forked: a quicker start and less memory.
preload_app = True
timeout = 30
graceful_timeout = 10
keepalive = 5
accesslog = os.environ.get("SHOP_ACCESS_LOG") or None
errorlog = "-"
loglevel = "warning"
#: Heartbeat files in memory where there is some: on a slow disk a worker would seem dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

#: One more than the connections that a worker has, for all of them to see; 0 where there is no worker.
_shown = memoryview(mmap.mmap(-1, 4 * 256)).cast("i")


class FairWorker(ThreadWorker):  # type: ignore[misc]
    """A thread worker that lets one with fewer connections go first.

    Connections are kept alive, and whoever is awake takes the next one: with eight of them one process
    often had all, and did all the work, while the other's core was idle.
    """

    _open = 0

    @property
    def nr_conns(self) -> int:
        """How many connections it has."""
        return self._open

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._open = count
        _shown[self.age % len(_shown)] = count + 1

    def accept(self, listener: Any) -> None:
        """Take a connection, unless a worker that has fewer takes it within two milliseconds."""
        if any(0 < shown <= self._open for shown in _shown):
            time.sleep(0.002)
        super().accept(listener)


worker_class = FairWorker


def child_exit(server: Any, worker: Any) -> None:
    """Forget the connections of a worker that is gone."""
    _shown[worker.age % len(_shown)] = 0


def post_worker_init(worker: Any) -> None:
    """Have the garbage collector look less often than after every few hundred objects."""
    garbage.settle()
