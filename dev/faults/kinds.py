"""What a kind of fault is: a function that does harm, yields for as long as it lasts, and mends it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from dev.faults.world import World

Harm = Callable[[World, Random], Iterator[None]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault; two that have one ``target`` never last at the same time."""

    name: str
    target: str
    #: Seconds, at least and at most; none for what is done in a moment.
    lasts: tuple[float, float]
    #: Does the harm when it is entered and mends it when it is left.
    harm: Callable[[World, Random], AbstractContextManager[None]]


#: All there are, in the order in which they are defined.
KINDS: list[Kind] = []


def fault(name: str, *, target: str, lasts: tuple[float, float] = (0, 0)) -> Callable[[Harm], Harm]:
    """Register a generator function as a kind of fault: harm before its ``yield``, what mends it after."""

    def register(harm: Harm) -> Harm:
        KINDS.append(Kind(name, target, lasts, contextmanager(harm)))
        return harm

    return register
