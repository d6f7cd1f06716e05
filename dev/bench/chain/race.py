"""What is told of a backlog's way, whoever works it off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: Orders that go all the way before the clock starts: processes are up, and their code is warm.
WARM_UP = 100


@dataclass(frozen=True)
class Outcome:
    """How a backlog of orders went."""

    orders: int
    let_go: datetime
    #: When the last parcel was handed over.
    shipped: datetime
    #: When the last thing about any of the orders was done.
    done: datetime
    #: CPU seconds by program, until then.
    cpu: Mapping[str, float]

    @property
    def shipped_rate(self) -> float:
        """Orders/s from the start to the last parcel."""
        return self.orders / (self.shipped - self.let_go).total_seconds()

    @property
    def done_rate(self) -> float:
        """Orders/s from the start to the end of everything."""
        return self.orders / (self.done - self.let_go).total_seconds()

    def cost(self) -> dict[str, float]:
        """Milliseconds of CPU an order, of all and of each program."""
        used = {name: 1000 * seconds / self.orders for name, seconds in self.cpu.items()}
        return {"all": sum(used.values()), **used}


class Contestant(Protocol):
    """Somebody who works off a backlog of orders."""

    @property
    def name(self) -> str: ...

    def prepare(self) -> None:
        """Make the tables; once."""

    def run(self, orders: int) -> Outcome:
        """Start, warm up, work off a backlog, and stop."""
