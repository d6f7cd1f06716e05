"""Schedule of faults, drawn from a seed: the same seed and length give the same schedule."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from dev.faults.kinds import FaultKind

#: Seconds without faults at the start: a queue declared just before a crash may stay without a leader.
WARM_UP = 6.0
#: Minimum and maximum seconds between two faults.
_INTERVAL = (2.0, 9.0)


@dataclass(frozen=True)
class ScheduledFault:
    """One fault of the schedule."""

    #: Seconds after the start.
    at: float
    kind: FaultKind
    #: Seconds until it is reverted.
    duration: float
    #: Seed of the fault's own random choices.
    seed: int


def draw(seed: int, seconds: float, kinds: Sequence[FaultKind]) -> list[ScheduledFault]:
    """Draw a schedule of ``seconds``. Every kind occurs once before any occurs again, if possible."""
    chance = Random(seed)
    faults: list[ScheduledFault] = []
    free_at: defaultdict[str, float] = defaultdict(float)
    bag: list[FaultKind] = []
    at = WARM_UP
    while at < seconds:
        bag = bag or chance.sample(kinds, len(kinds))
        kind = next((kind for kind in bag if free_at[kind.target] <= at), None)
        if kind:
            bag.remove(kind)
            duration = min(chance.uniform(*kind.duration), seconds - at)
            faults.append(ScheduledFault(at, kind, duration, chance.getrandbits(32)))
            free_at[kind.target] = at + duration + 1
        at += chance.uniform(*_INTERVAL)
    return faults
