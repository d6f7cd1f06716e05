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


class InventoryAwaited(Event):
    """The order is paid, and waits for goods to come in; none of it is held or taken yet."""

    order_id: UUID
    shortages: tuple[Shortage, ...]


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


class StockReceived(Event, aggregate="product_id"):
    """Goods came in from a supplier."""

    product_id: UUID
    sku: str
    quantity: int = Field(gt=0)
    #: The stock afterwards.
    available: int
    #: The delivery note, without personal facts.
    reason: str


class StockWrittenOff(Event, aggregate="product_id"):
    """Goods are broken, lost or spoilt."""

    product_id: UUID
    sku: str
    quantity: int = Field(gt=0)
    #: The stock afterwards.
    available: int
    #: The cause, without personal facts.
    reason: str


class StockCounted(Event, aggregate="product_id"):
    """A product was counted, and there were more or less of it than the ledger says."""

    product_id: UUID
    sku: str
    #: What is on hand, reserved or not.
    counted: int = Field(ge=0)
    #: Positive for more than the ledger says, negative for less.
    quantity: int
    #: The stock afterwards.
    available: int
    #: The operator's reason, without personal facts.
    reason: str


class InventoryReleased(Event):
    """Nothing has been taken for the order, and nothing will be."""

    order_id: UUID
