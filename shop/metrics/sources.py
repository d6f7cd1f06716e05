"""Sources of readings: functions that ask database or broker, registered by any room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from shop.metrics.families import Family
from shop.metrics.histogram import Histogram


@dataclass(frozen=True)
class Sample:
    """A value of a family."""

    family: Family
    value: float | Histogram
    #: Values of the family's labels.
    labels: tuple[str, ...] = ()


#: Returns what a source knows now, in milliseconds and at most one statement or two.
Source = Callable[[], Iterable[Sample]]
S = TypeVar("S", bound=Source)

SOURCES: dict[str, Source] = {}


def source(function: S) -> S:
    """Register a source under the name of its function."""
    SOURCES[function.__name__] = function
    return function
