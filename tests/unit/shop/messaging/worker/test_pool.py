"""The pool of processes that share a pipe: it outlives each of them, and gives up what nobody will run."""

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

#: Seconds within which everything here happens.
SOON = 20.0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """Kills whoever reads it."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return die, ()


class Slow:
    """Keeps whoever reads it from accepting its job at once."""

    def __reduce__(self) -> tuple[Callable[[float], None], tuple[float]]:
        return time.sleep, (0.3,)


@pytest.fixture
def pool() -> Iterator[Any]:
    pool: Any = SharedPipesPool(processes=1, lost_worker_timeout=0.5)
    yield pool
    pool._cache.clear()  # what a failed test left is not waited for
    pool.close()
    end = threading.Thread(target=pool.join, daemon=True)
    end.start()
    end.join(SOON)
    if end.is_alive():  # nor for a process that reads what is no message
        for process in pool._pool:
            os.kill(process.pid, signal.SIGKILL)


def expect_lost(job: Any) -> None:
    job.wait(SOON)
    assert job.ready()
    assert isinstance(job._value.exception.exc, WorkerLostError)


def wait_for(path: Path) -> None:
    eventually(path.exists)


def process_of(pool: Any) -> int:
    """The process that runs its jobs now.

    One that was asked or made to end may read a job before it does, which is lost then: it is waited for.
    """
    eventually(lambda: not any(is_ending(process) for process in list(pool._pool)) and len(pool._pool) > 0)
    pid: int = pool.apply_async(os.getpid).get(SOON)
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
    lost._ack(0, time.monotonic(), killed, None)  # as if its acceptance had waited to be read

    expect_lost(lost)


def test_what_a_killed_reader_left_of_a_message_is_not_taken_for_the_next(pool: Any) -> None:
    rest_of_a_message = struct.pack("!H", 1)  # with what follows, the length of a long one
    os.write(pool._inqueue._writer.fileno(), rest_of_a_message)

    expect_lost(pool.apply_async(os.getpid))
    assert process_of(pool)


def test_a_job_that_waits_for_its_process_is_not_given_up(pool: Any) -> None:
    busy = [pool.apply_async(time.sleep, (seconds,)) for seconds in (3.0, 0.0)]

    assert [job.get(SOON) for job in busy] == [None, None]


def test_a_job_that_was_seen_on_its_way_into_the_pipe_is_not_given_up_when_it_leaves_it(
    pool: Any, tmp_path: Path
) -> None:
    pool.apply_async(wait_for, (tmp_path / "go",))
    job = pool.apply_async(str, (Slow(),))
    job._lost_worker_timeout = SOON
    eventually(lambda: pool._taskqueue.empty())
    pool._taken = {job: time.monotonic() - 2 * SOON}  # neither in the one queue nor in the other just then
    pool._give_up_what_was_taken()
    (tmp_path / "go").touch()

    def has_run() -> bool:
        pool._give_up_what_was_taken()
        return bool(job.ready())

    eventually(has_run)
    assert job.get(0) == "None"
