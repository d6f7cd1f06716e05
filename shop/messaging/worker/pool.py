"""Celery's pool of processes, made so that it outlives each of them.

Without an event loop, as on the embedded broker, the processes of a pool share a pipe, and whoever waits for
work holds its lock: a semaphore, which nobody releases any more if that process is killed. The worker would
go on taking messages and never run one again. And what a killed process had just taken from the pipe, and not
accepted yet, would be waited for without end, together with its place in the pool.
"""

import fcntl
import signal
import tempfile
import time
from typing import Any

from billiard.pool import Pool
from celery.concurrency.prefork import TaskPool


class CrashSafeLock:
    """A lock between processes that the kernel releases when its holder dies, however it does."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the lock lives

    def __del__(self) -> None:
        self._file.close()

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
    """Billiard's pool with locks that die with their holders, and that gives up what nobody will run."""

    _inqueue: Any
    _outqueue: Any
    _taskqueue: Any
    _pool: Any
    _cache: dict[int, Any]

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # not in the stubs
        for queue in (self._inqueue, self._outqueue):
            queue._rlock, queue._wlock = CrashSafeLock(), CrashSafeLock()
        #: Jobs that have left the pipe and are not accepted, and when that was seen first.
        self._taken: dict[Any, float] = {}

    def _maintain_pool(self) -> None:
        """Billiard's supervision, and then what it overlooks: each end is looked at once only."""
        super()._maintain_pool()  # type: ignore[misc]  # not in the stubs
        self._note_late_acceptances()
        self._give_up_what_was_taken()

    def _note_late_acceptances(self) -> None:
        """Note as lost what a process accepted whose end was seen before its acceptance was read."""
        alive = {process.pid for process in self._pool}
        for job in list(self._cache.values()):
            if job.worker_pids() and not (alive.intersection(job.worker_pids()) or job._worker_lost):
                job._worker_lost = (time.monotonic(), -signal.SIGKILL)

    def _give_up_what_was_taken(self) -> None:
        """Give up jobs that a process took from the pipe and was killed before it could accept them.

        It may have been in the middle of reading, and then the next reader takes the rest for something
        else: whoever waits for work is replaced, now that the pipe is empty.
        """
        if not self._taskqueue.empty() or self._inqueue._reader.poll(0):
            self._taken = {}  # one of those seen before may have been on its way into the pipe
            return
        now = time.monotonic()
        waiting = [job for job in list(self._cache.values()) if not (job.accepted() or job.ready())]
        self._taken = {job: self._taken.get(job, now) for job in waiting}
        lost = [job for job, since in self._taken.items() if now - since > job._lost_worker_timeout]
        for process in self._iterinactive() if lost else ():  # type: ignore[attr-defined]
            process.terminate_controlled()
        for job in lost:
            self.mark_as_worker_lost(job, -signal.SIGKILL)
            job.discard()


class CrashSafePool(TaskPool):
    """Celery's prefork pool; with an event loop each process has pipes of its own, and all is as before."""

    BlockingPool: Any = SharedPipesPool
