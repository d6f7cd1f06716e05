"""Contestants of the measurements of chain and latency, and the outcome of a run."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: Orders processed before the clock starts, so that processes are up and code is warm.
WARM_UP = 100

#: Places so many orders, so many a second; returns the seconds at which each was placed and shipped.
Ship = Callable[[int, float], Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Outcome:
    """Outcome of processing a backlog."""

    orders: int
    released: datetime
    #: Time of the last shipment.
    shipped: datetime
    #: Time of the last activity for any of the orders.
    done: datetime
    #: CPU seconds by program.
    cpu: Mapping[str, float]

    @property
    def shipped_rate(self) -> float:
        """Orders/s up to the last shipment."""
        return self.orders / (self.shipped - self.released).total_seconds()

    @property
    def done_rate(self) -> float:
        """Orders/s up to the last activity."""
        return self.orders / (self.done - self.released).total_seconds()

    def cost(self) -> dict[str, float]:
        """CPU milliseconds of an order, in total and by program."""
        used = {name: 1000 * seconds / self.orders for name, seconds in self.cpu.items()}
        return {"all": sum(used.values()), **used}


class Contestant(Protocol):
    """A system that processes a backlog of orders."""

    @property
    def name(self) -> str: ...

    def prepare(self) -> None:
        """Create the tables; called once."""

    def run(self, orders: int) -> Outcome:
        """Start, warm up, process a backlog, and stop."""

    def serving(self) -> AbstractContextManager[Ship]:
        """Start, warm up, process orders as they are placed, and stop."""
