"""Seeds of randomised tests: a fixed one, and further ones with ``script/test --long``."""

import os
import random
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: Seed of ``script/test --long``; empty without it.
LONG = os.environ.get("SHOP_TEST_LONG", "")


def seeds(fixed: int, *, further: int) -> list[int]:
    """Return the fixed seed, followed by ``further`` ones in a long run.

    They follow from the seed of the run: all pytest processes have to collect the same tests.
    """
    drawn = random.Random(LONG)
    return [fixed, *(drawn.randrange(1_000_000) for _ in range(further if LONG else 0))]


def sample(cases: Iterable[T], *, one_in: int) -> Iterable[T]:
    """Return all cases in a long run, else one in so many."""
    return cases if LONG else islice(cases, 0, None, one_in)
