"""Histogram in plain numbers: it costs the main process of a worker less than that of Prometheus's client."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate


class Histogram:
    """Counts of values below bounds, and their sum. One thread observes; others read at any time."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts, self.total = [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_each(self, values: Iterable[float]) -> None:
        """Count several values."""
        for value in values:
            self.observe(value)

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the upper bounds and the numbers of values up to them, as Prometheus wants them."""
        bounds = [*map(str, self.bounds), "+Inf"]
        return list(zip(bounds, accumulate(self.counts), strict=True))
