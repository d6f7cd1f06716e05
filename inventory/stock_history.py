"""Stock of products by their events: what a product began with, and all that happened to it since."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from inventory.events import InventoryRestocked, InventoryUpdated, StockAdjusted, StockReturned
from inventory.models import StockMovement
from shop.messaging.event_log import replay, types_of


@dataclass
class StockChanges:
    """Changes of the stock that the log tells of."""

    #: SKU -> sum of the signed quantities.
    quantities: Counter[str] = field(default_factory=Counter)
    #: SKU -> number of adjustments.
    adjustments: Counter[str] = field(default_factory=Counter)


def logged_changes() -> StockChanges:
    """Fold the events of all products, read in chunks."""
    changes = StockChanges()
    for event in replay(types=types_of(InventoryUpdated, InventoryRestocked, StockReturned, StockAdjusted)):
        if isinstance(event, StockAdjusted):
            changes.quantities[event.sku] += event.quantity
            changes.adjustments[event.sku] += 1
        elif isinstance(event, InventoryUpdated | InventoryRestocked | StockReturned):
            sign = -1 if isinstance(event, InventoryUpdated) else 1
            for line in event.lines:
                changes.quantities[line.sku] += sign * line.quantity
    return changes


def adjusted_before(product_id: UUID, count: int) -> int:
    """Return the sum of the product's first adjustments: those from before adjustments were events."""
    adjusted = StockMovement.objects.filter(product_id=product_id, kind=StockMovement.Kind.ADJUSTED)
    return sum(adjusted.order_by("pk").values_list("quantity", flat=True)[:count])
