"""Shared-pipes pool: it survives the loss of its processes, and fails the jobs lost with them.

Billiard has no public attributes for a pool's processes and pipes and for a job's result: these are private.
"""

import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError

from shop.messaging.worker.pool import SharedPipesPool
from tests.support.waiting import eventually

#: Timeout in seconds of each step.
TIMEOUT = 20.0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """Argument that kills the process that unpickles it."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return die, ()


class Slow:
    """Argument that delays the acceptance of its job: unpickling it takes a while."""

    def __reduce__(self) -> tuple[Callable[[float], None], tuple[float]]:
        return time.sleep, (0.3,)


@pytest.fixture
def pool() -> Iterator[Any]:
    pool: Any = SharedPipesPool(processes=1, lost_worker_timeout=0.5)
    yield pool
    pool._cache.clear()  # join() would wait for jobs that a failed test has left
    pool.close()
    end = threading.Thread(target=pool.join, daemon=True)
    end.start()
    end.join(TIMEOUT)
    if end.is_alive():  # a process may be blocked on the rest of a message
        for process in pool._pool:
            os.kill(process.pid, signal.SIGKILL)


def expect_lost(job: Any) -> None:
    job.wait(TIMEOUT)
    assert job.ready()
    assert isinstance(job._value.exception.exc, WorkerLostError)


def wait_for(path: Path) -> None:
    eventually(path.exists)


def process_of(pool: Any) -> int:
    """Return the pid of the process that runs the pool's jobs.

    A process that is ending may still read a job, which would be lost: wait until it has ended.
    """
    eventually(lambda: not any(is_ending(process) for process in list(pool._pool)) and len(pool._pool) > 0)
    pid: int = pool.apply_async(os.getpid).get(TIMEOUT)
    return pid


def is_ending(process: Any) -> bool:
    return process._controlled_termination or process.exitcode is not None


def wait_until_replaced(pool: Any, pid: int) -> None:
    eventually(lambda: [process.pid for process in list(pool._pool)] not in ([], [pid]))


def test_a_process_killed_while_it_waits_takes_no_lock_with_it(pool: Any) -> None:
    killed = process_of(pool)
    os.kill(killed, signal.SIGKILL)
    wait_until_replaced(pool, killed)

    assert process_of(pool)


def test_a_job_whose_reader_was_killed_before_it_accepted_it_is_lost(pool: Any) -> None:
    lost = pool.apply_async(os.getpid, (Deadly(),))

    expect_lost(lost)
    assert process_of(pool)
    assert not pool._cache


def test_a_job_that_was_accepted_by_a_process_whose_end_was_seen_before_is_lost(pool: Any) -> None:
    killed = process_of(pool)
    lost = pool.apply_async(os.getpid, (Deadly(),))
    wait_until_replaced(pool, killed)
    lost._ack(0, time.monotonic(), killed, None)  # as if its acceptance were read only now

    expect_lost(lost)


def test_what_a_killed_reader_left_of_a_message_is_not_taken_for_the_next(pool: Any) -> None:
    rest_of_a_message = struct.pack("!H", 1)  # with what follows, the length of a long one
    os.write(pool._inqueue._writer.fileno(), rest_of_a_message)

    expect_lost(pool.apply_async(os.getpid))
    assert process_of(pool)


def test_a_job_that_waits_for_its_process_is_not_given_up(pool: Any) -> None:
    busy = [pool.apply_async(time.sleep, (seconds,)) for seconds in (3.0, 0.0)]

    assert [job.get(TIMEOUT) for job in busy] == [None, None]


def test_a_job_that_was_seen_on_its_way_into_the_pipe_is_not_given_up_when_it_leaves_it(
    pool: Any, tmp_path: Path
) -> None:
    pool.apply_async(wait_for, (tmp_path / "go",))
    job = pool.apply_async(str, (Slow(),))
    job._lost_worker_timeout = TIMEOUT
    eventually(lambda: pool._taskqueue.empty())
    # Billiard moves a job from its queue to the pipe in a moment that no public method can hit.
    pool._unaccepted = {job: time.monotonic() - 2 * TIMEOUT}
    pool._fail_unaccepted_jobs()
    (tmp_path / "go").touch()

    def has_run() -> bool:
        pool._fail_unaccepted_jobs()
        return bool(job.ready())

    eventually(has_run)
    assert job.get(0) == "None"
