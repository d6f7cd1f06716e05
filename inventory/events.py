"""What inventory publishes."""

from uuid import UUID

from pydantic import Field

from shop.messaging.contracts import Event, Fact


class StockLine(Fact):
    sku: str
    quantity: int = Field(gt=0)


class Shortage(Fact):
    sku: str
    requested: int
    available: int


class InventoryUpdated(Event):
    """All lines of the order have been taken from the stock."""

    order_id: UUID
    lines: tuple[StockLine, ...]


class InventoryRejected(Event):
    """The stock cannot serve the order; nothing has been taken."""

    order_id: UUID
    shortages: tuple[Shortage, ...]


class InventoryRestocked(Event):
    """What had been taken for the order is back in the stock."""

    order_id: UUID
    lines: tuple[StockLine, ...]


class InventoryReleased(Event):
    """Nothing had been taken for the order, and nothing will be."""

    order_id: UUID
