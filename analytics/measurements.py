"""Measurements: the values that consumers extract from events, and the only input of the projection."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from analytics.models import Step
from shop.messaging.contracts import STORED, Money


@dataclass(frozen=True, slots=True)
class Ordered:
    """Quantity and revenue of a product in an order."""

    sku: str
    name: str
    quantity: int
    revenue: Money


@dataclass(frozen=True, slots=True)
class Moved:
    """Quantity of a product that left the stock, or came back."""

    sku: str
    sold: int = 0
    restocked: int = 0


@dataclass(frozen=True, slots=True)
class HeldUp:
    """Attention that an order needs: the reason, and the status that it is held up in."""

    reason: str
    stage: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A step of an order, with its money and products."""

    #: The measured event.
    event_id: UUID
    #: Time of publication, so that a rebuild measures the same.
    at: datetime
    order_id: UUID
    step: Step
    total: Money | None = None
    captured: Money | None = None
    refunded: Money | None = None
    ordered: tuple[Ordered, ...] = ()
    moved: tuple[Moved, ...] = ()
    number: str = ""
    customer_id: int | None = None
    carrier: str = ""
    held_up: HeldUp | None = None
    #: Nothing is left of the payment.
    paid_back: bool = False
    #: Return that the step is one of.
    return_id: UUID | None = None

    def as_json(self) -> Any:
        """Return the measurement as JSON values."""
        return _ADAPTER.dump_python(self, mode="json")

    @staticmethod
    def from_json(value: Any) -> "Measurement":
        """Restore a measurement from as_json()."""
        return _ADAPTER.validate_python(value, context=STORED)


_ADAPTER = TypeAdapter(Measurement)
