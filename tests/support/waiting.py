"""Polling for the effects of other threads and processes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], *, within: float = 40) -> T:
    """Poll ``check()`` until its result is true, and return it. Fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (result := check()):
        assert time.monotonic() < deadline, f"not within {within} s: {result!r}"
        time.sleep(0.02)
    return result
