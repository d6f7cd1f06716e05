"""Celery's pool of processes, made so that it outlives each of them.

Without an event loop, as on the embedded broker, the processes of a pool share a pipe, and whoever waits for
work holds its lock: a semaphore, which nobody releases any more if that process is killed. The worker would
go on taking messages and never run one again.
"""

import fcntl
import tempfile
from typing import Any

from billiard.pool import Pool
from celery.concurrency.prefork import TaskPool


class MortalLock:
    """A lock between processes that the kernel releases when its holder dies, however it does."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the lock lives

    def acquire(self) -> None:
        """Wait for the lock."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let the next one have it."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class SharedPipesPool(Pool):
    """Billiard's pool with locks that die with their holders."""

    _inqueue: Any
    _outqueue: Any

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # not in the stubs
        for queue in (self._inqueue, self._outqueue):
            queue._rlock, queue._wlock = MortalLock(), MortalLock()


class MortalTaskPool(TaskPool):
    """Celery's prefork pool; with an event loop each process has pipes of its own, and all is as before."""

    BlockingPool: Any = SharedPipesPool
