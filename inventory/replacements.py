"""Goods of orders that are sent again: taken from the stock as an adjustment, which the ledger explains."""

from uuid import UUID

from inventory import repository, services
from inventory.events import ReplacementRejected, ReplacementTaken, Shortage, StockLine
from inventory.models import Product
from shop.messaging.publishing import publish, unit_of_work


@unit_of_work()
def take_replacement(*, order_id: UUID, shipment_id: UUID, number: str) -> None:
    """Take all lines of an order again, or none of them.

    Publishes StockAdjusted for each and ReplacementTaken, or ReplacementRejected.
    """
    lines = _lines_of(order_id)
    products = {line.sku: repository.lock_product(line.sku) for line in lines}
    if shortages := tuple(_shortages(lines, products)):
        publish(ReplacementRejected(order_id=order_id, shipment_id=shipment_id, shortages=shortages))
        return
    for line in lines:
        services.adjust_stock(sku=line.sku, quantity=-line.quantity, reason=f"{number} is sent again")
    publish(ReplacementTaken(order_id=order_id, shipment_id=shipment_id, lines=lines))


@unit_of_work()
def put_replacement_back(*, order_id: UUID) -> None:
    """Put the lines of an order back that were taken again, for a parcel that never left."""
    for line in _lines_of(order_id):
        services.adjust_stock(
            sku=line.sku, quantity=line.quantity, reason=f"order {order_id} was not sent again after all"
        )


def _lines_of(order_id: UUID) -> tuple[StockLine, ...]:
    """Return the lines of an order by SKU, in which order products are locked."""
    [order] = repository.lock([order_id])
    return tuple(
        StockLine(sku=line.sku, quantity=line.quantity)
        for line in sorted(order.stock_lines, key=lambda line: line.sku)
    )


def _shortages(lines: tuple[StockLine, ...], products: dict[str, Product]) -> list[Shortage]:
    return [
        Shortage(sku=line.sku, requested=line.quantity, available=products[line.sku].available)
        for line in lines
        if products[line.sku].available < line.quantity
    ]
