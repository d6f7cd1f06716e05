"""What analytics takes from an event: consumers translate into it, the projection reads nothing else."""

from datetime import datetime
from uuid import UUID

from analytics.models import Step
from shop.messaging.contracts import Fact, Money


class Ordered(Fact):
    """A line of an order."""

    sku: str
    name: str
    quantity: int
    revenue: Money


class Moved(Fact):
    """So much of a product left the stock, or came back."""

    sku: str
    sold: int = 0
    restocked: int = 0


class Observation(Fact):
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
