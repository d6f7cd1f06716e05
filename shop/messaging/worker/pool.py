"""Celery's prefork pool, made to survive the loss of any process.

Without an event loop, as on the embedded broker, the processes of a pool share one pipe. The reader holds a
semaphore, which stays locked if that process is killed: the worker would keep receiving messages and never
run another task. A job that a process has read but not yet accepted when it is killed would occupy its slot
in the pool for ever.
"""

import fcntl
import signal
import tempfile
import time
from typing import Any

from billiard.pool import Pool
from celery.concurrency.prefork import TaskPool


class CrashSafeLock:
    """Inter-process lock on a file, released by the operating system when its holder dies."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the lock lives

    def __del__(self) -> None:
        self._file.close()

    def acquire(self) -> None:
        """Block until the lock is acquired."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Release the lock."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class SharedPipesPool(Pool):
    """Billiard's pool with crash-safe locks and detection of jobs lost between pipe and acceptance."""

    _inqueue: Any
    _outqueue: Any
    _taskqueue: Any
    _pool: Any
    _cache: dict[int, Any]

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # not in the stubs
        for queue in (self._inqueue, self._outqueue):
            queue._rlock, queue._wlock = CrashSafeLock(), CrashSafeLock()
        #: Jobs that have left the pipe and are not accepted, and the time when this was first seen.
        self._unaccepted: dict[Any, float] = {}

    def _maintain_pool(self) -> None:
        """Run billiard's supervision, then the checks for jobs that it misses."""
        super()._maintain_pool()  # type: ignore[misc]  # not in the stubs
        self._mark_late_acceptances()
        self._fail_unaccepted_jobs()

    def _mark_late_acceptances(self) -> None:
        """Mark jobs as lost whose process had ended before its acceptance message was read.

        Billiard looks at the jobs of a process once, when it finds the process ended.
        """
        alive = {process.pid for process in self._pool}
        for job in list(self._cache.values()):
            if job.worker_pids() and not (alive.intersection(job.worker_pids()) or job._worker_lost):
                job._worker_lost = (time.monotonic(), -signal.SIGKILL)

    def _fail_unaccepted_jobs(self) -> None:
        """Fail jobs whose process was killed between reading them from the pipe and accepting them.

        It may have been killed in the middle of a message. A process blocked on the rest of it would take
        the next message for that rest, so all idle processes are replaced while the pipe is empty.
        """
        if not self._taskqueue.empty() or self._inqueue._reader.poll(0):
            self._unaccepted = {}  # a job seen before may have been on its way into the pipe
            return
        now = time.monotonic()
        waiting = [job for job in list(self._cache.values()) if not (job.accepted() or job.ready())]
        self._unaccepted = {job: self._unaccepted.get(job, now) for job in waiting}
        lost = [job for job, since in self._unaccepted.items() if now - since > job._lost_worker_timeout]
        for process in self._iterinactive() if lost else ():  # type: ignore[attr-defined]
            process.terminate_controlled()
        for job in lost:
            self.mark_as_worker_lost(job, -signal.SIGKILL)
            job.discard()


class CrashSafePool(TaskPool):
    """Celery's prefork pool with SharedPipesPool in workers without an event loop.

    With an event loop each process has pipes of its own, and Celery's AsynPool is used unchanged.
    """

    BlockingPool: Any = SharedPipesPool
