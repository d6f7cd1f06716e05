"""How long to wait before something is tried again."""

import random
from datetime import timedelta


def doubling(first: timedelta, nth: int, longest: timedelta) -> timedelta:
    """The ``nth`` wait, counted from 1: it doubles up to the longest, and half of it is jitter."""
    wait: timedelta = min(first * 2 ** min(nth - 1, 20), longest)
    return wait * random.uniform(0.5, 1)
