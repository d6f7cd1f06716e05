"""When which fault strikes: drawn from a seed, the same for the same seed and length."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from dev.faults.kinds import Kind

#: Seconds of peace at the beginning: what is declared a moment before a crash may stay without a leader.
CALM = 6.0
#: Seconds between two strikes, at least and at most.
_PAUSE = (2.0, 9.0)


@dataclass(frozen=True)
class Strike:
    """One fault of the schedule."""

    #: Seconds after the start.
    at: float
    kind: Kind
    #: Seconds until it is mended.
    lasts: float
    #: For what the fault itself leaves to chance.
    salt: int


def draw(seed: int, seconds: float, kinds: Sequence[Kind]) -> list[Strike]:
    """A schedule of so many seconds: every kind once before any comes again, if there is room."""
    chance = Random(seed)
    strikes: list[Strike] = []
    free_at: defaultdict[str, float] = defaultdict(float)
    bag: list[Kind] = []
    at = CALM
    while at < seconds:
        bag = bag or chance.sample(kinds, len(kinds))
        kind = next((kind for kind in bag if free_at[kind.target] <= at), None)
        if kind:
            bag.remove(kind)
            lasts = min(chance.uniform(*kind.lasts), seconds - at)
            strikes.append(Strike(at, kind, lasts, chance.getrandbits(32)))
            free_at[kind.target] = at + lasts + 1
        at += chance.uniform(*_PAUSE)
    return strikes
