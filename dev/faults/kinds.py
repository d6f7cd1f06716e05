"""Kinds of faults: generator functions that inject a fault, yield while it lasts, and revert it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from dev.faults.system import System

Injection = Callable[[System, Random], Iterator[None]]


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault. Two faults of one ``target`` are never active at the same time."""

    name: str
    target: str
    #: Minimum and maximum in seconds; 0 for an instantaneous fault.
    duration: tuple[float, float]
    #: Context manager that injects the fault on entry and reverts it on exit.
    inject: Callable[[System, Random], AbstractContextManager[None]]


#: All registered kinds, in order of definition.
KINDS: list[FaultKind] = []


def fault(
    name: str, *, target: str, duration: tuple[float, float] = (0, 0)
) -> Callable[[Injection], Injection]:
    """Register a generator function: it injects the fault before its ``yield`` and reverts it after."""

    def register(inject: Injection) -> Injection:
        KINDS.append(FaultKind(name, target, duration, contextmanager(inject)))
        return inject

    return register
