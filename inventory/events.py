"""Events of inventory."""

from uuid import UUID

from pydantic import Field

from shop.messaging.contracts import Event, Fact


class StockLine(Fact):
    """Quantity of a product that an order wants."""

    sku: str
    quantity: int = Field(gt=0)


class Shortage(Fact):
    """Product with a stock below the quantity that an order wants."""

    sku: str
    requested: int
    available: int


class InventoryReserved(Event, logged_only=True):
    """All lines of the order are held for it, and none of them is taken yet."""

    order_id: UUID
    lines: tuple[StockLine, ...]


class InventoryUpdated(Event):
    """All lines of the order have been taken from the stock."""

    order_id: UUID
    lines: tuple[StockLine, ...]


class InventoryRejected(Event):
    """The stock cannot serve the order; nothing has been taken."""

    order_id: UUID
    shortages: tuple[Shortage, ...]


class ReplacementTaken(Event):
    """All lines of the order have been taken from the stock again, for a parcel that is sent again."""

    order_id: UUID
    #: Id of the shipment that they are for.
    shipment_id: UUID
    lines: tuple[StockLine, ...]


class ReplacementRejected(Event):
    """The stock cannot serve the order again; nothing has been taken."""

    order_id: UUID
    shipment_id: UUID
    shortages: tuple[Shortage, ...]


class InventoryRestocked(Event):
    """All lines of the order are back in the stock."""

    order_id: UUID
    lines: tuple[StockLine, ...]


class StockReturned(Event):
    """Goods of an order are back in the stock, after its parcel had left."""

    order_id: UUID
    #: The refund or the receipt of a return that they came back with.
    returned_with: UUID
    lines: tuple[StockLine, ...]


class StockAdjusted(Event, aggregate="product_id"):
    """An operator corrected the stock of a product."""

    product_id: UUID
    sku: str
    #: Positive for more, negative for less.
    quantity: int
    #: The stock afterwards.
    available: int
    #: The operator's reason, without personal facts.
    reason: str


class InventoryReleased(Event):
    """Nothing has been taken for the order, and nothing will be."""

    order_id: UUID
