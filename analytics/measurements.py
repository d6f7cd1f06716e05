"""What analytics takes from an event: consumers translate into it, the projection reads nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from analytics.models import Step
from shop.messaging.contracts import Money


@dataclass(frozen=True, slots=True)
class Ordered:
    """A line of an order."""

    sku: str
    name: str
    quantity: int
    revenue: Money


@dataclass(frozen=True, slots=True)
class Moved:
    """So much of a product left the stock, or came back."""

    sku: str
    sold: int = 0
    restocked: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """An order took a step, and what that means for money and products."""

    #: The event that tells of it.
    event_id: UUID
    #: When the event was published, by the log; never the time of reading.
    at: datetime
    order_id: UUID
    step: Step
    total: Money | None = None
    captured: Money | None = None
    refunded: Money | None = None
    ordered: tuple[Ordered, ...] = ()
    moved: tuple[Moved, ...] = ()

    def as_json(self) -> Any:
        """What JSON can hold of it: all."""
        return _OBSERVATION.dump_python(self, mode="json")

    @staticmethod
    def from_json(value: Any) -> "Observation":
        """What as_json() was made of."""
        return _OBSERVATION.validate_python(value)


_OBSERVATION = TypeAdapter(Observation)
