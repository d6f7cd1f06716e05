"""How long to wait before something is done again."""

import random
import time
from datetime import timedelta


def doubling(first: timedelta, nth: int, longest: timedelta) -> timedelta:
    """The ``nth`` wait, counted from 1: it doubles up to the longest, and half of it is jitter."""
    wait: timedelta = min(first * 2 ** min(nth - 1, 20), longest)
    return wait * random.uniform(0.5, 1)


class Pace:
    """A token bucket: a burst goes at once, and in the long run so many a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._counted_at = burst, time.monotonic()

    def pause(self) -> float:
        """Count one that was done; return the seconds to wait before the next."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate) - 1
        self._counted_at = now
        return max(0.0, -self._tokens / self._rate)
