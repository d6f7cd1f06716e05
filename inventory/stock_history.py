"""Stock of products by their events: what a product began with, and all that happened to it since."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from inventory.events import (
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
    InventoryUpdated,
    StockAdjusted,
    StockCounted,
    StockLine,
    StockReceived,
    StockReturned,
    StockWrittenOff,
)
from inventory.models import StockMovement
from shop.messaging.event_log import replay, types_of

_KINDS = (
    InventoryReserved,
    InventoryReleased,
    InventoryUpdated,
    InventoryRestocked,
    StockReturned,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockWrittenOff,
)


@dataclass
class StockChanges:
    """Changes of the stock that the log tells of."""

    #: SKU -> sum of the signed quantities that came in and went out.
    quantities: Counter[str] = field(default_factory=Counter)
    #: SKU -> number of adjustments.
    adjustments: Counter[str] = field(default_factory=Counter)
    #: SKU -> quantity that is reserved for orders.
    reserved: Counter[str] = field(default_factory=Counter)


def logged_changes() -> StockChanges:
    """Fold the events of all products, read in chunks."""
    changes = StockChanges()
    reserved: dict[UUID, tuple[StockLine, ...]] = {}
    for event in replay(types=types_of(*_KINDS)):
        if isinstance(event, StockAdjusted):
            changes.quantities[event.sku] += event.quantity
            changes.adjustments[event.sku] += 1
        elif isinstance(event, StockCounted | StockReceived):
            changes.quantities[event.sku] += event.quantity
        elif isinstance(event, StockWrittenOff):
            changes.quantities[event.sku] -= event.quantity
        elif isinstance(event, InventoryReserved):
            reserved[event.order_id] = event.lines
        elif isinstance(event, InventoryReleased):
            reserved.pop(event.order_id, None)
        elif isinstance(event, InventoryUpdated):
            reserved.pop(event.order_id, None)
            _add(changes.quantities, event.lines, sign=-1)
        elif isinstance(event, InventoryRestocked | StockReturned):
            _add(changes.quantities, event.lines, sign=1)
    for lines in reserved.values():
        _add(changes.reserved, lines, sign=1)
    return changes


def _add(quantities: Counter[str], lines: tuple[StockLine, ...], *, sign: int) -> None:
    for line in lines:
        quantities[line.sku] += sign * line.quantity


def adjusted_before(product_id: UUID, count: int) -> int:
    """Return the sum of the product's first adjustments: those from before adjustments were events."""
    adjusted = StockMovement.objects.filter(product_id=product_id, kind=StockMovement.Kind.ADJUSTED)
    return sum(adjusted.order_by("pk").values_list("quantity", flat=True)[:count])
