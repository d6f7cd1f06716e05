"""How long to wait before something is done again."""

import random
import time
from datetime import timedelta


def exponential_backoff(first: timedelta, nth: int, longest: timedelta) -> timedelta:
    """The ``nth`` wait, counted from 1: it doubles up to the longest, and half of it is jitter."""
    wait: timedelta = min(first * 2 ** min(nth - 1, 20), longest)
    return wait * random.uniform(0.5, 1)


class LeakyBucket:
    """A leaky bucket: a burst goes at once, and in the long run each thing that is done has its seconds.

    Args:
        burst: seconds that may be saved up while nothing is done.
    """

    def __init__(self, burst: float) -> None:
        self._burst, self._saved, self._counted_at = burst, burst, time.monotonic()

    def pause(self, seconds: float) -> float:
        """Count one that was done and has so many seconds; return those to wait before the next."""
        now = time.monotonic()
        self._saved = min(self._burst, self._saved + now - self._counted_at) - seconds
        self._counted_at = now
        return max(0.0, -self._saved)
