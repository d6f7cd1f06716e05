"""Waiting times: exponential backoff with jitter, and a leaky bucket."""

import random
import time
from datetime import timedelta


def exponential_backoff(first: timedelta, nth: int, longest: timedelta) -> timedelta:
    """Return the wait before the ``nth`` repetition, counted from 1.

    It doubles each time up to ``longest``. Jitter takes off up to half of it.
    """
    wait: timedelta = min(first * 2 ** min(nth - 1, 20), longest)
    return wait * random.uniform(0.5, 1)


class LeakyBucket:
    """Rate limiter: allows a burst at once, and in the long run each action its share of time.

    Args:
        burst: seconds of unused time that may accumulate.
    """

    def __init__(self, burst: float) -> None:
        self._burst, self._saved, self._counted_at = burst, burst, time.monotonic()

    def pause(self, seconds: float) -> float:
        """Count an action that costs ``seconds``; return the seconds to wait before the next one."""
        now = time.monotonic()
        self._saved = min(self._burst, self._saved + now - self._counted_at) - seconds
        self._counted_at = now
        return max(0.0, -self._saved)
