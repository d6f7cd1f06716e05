"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], *, within: float = 20) -> T:
    """Wait until ``check()`` is true, and return what it says; fail with that after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (result := check()):
        assert time.monotonic() < deadline, f"not within {within} s: {result!r}"
        time.sleep(0.02)
    return result
