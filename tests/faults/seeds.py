"""Seeds of randomised tests: a fixed one, and further ones with ``script/test --long``."""

import os
import random

#: Seed of ``script/test --long``; empty without it.
LONG = os.environ.get("SHOP_TEST_LONG", "")


def seeds(fixed: int, *, further: int) -> list[int]:
    """Return the fixed seed, followed by ``further`` ones in a long run.

    They follow from the seed of the run: all pytest processes have to collect the same tests.
    """
    drawn = random.Random(LONG)
    return [fixed, *(drawn.randrange(1_000_000) for _ in range(further if LONG else 0))]
