"""Shelf: changes of stock for a batch of orders, decided in memory."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from inventory.events import Shortage
from inventory.models import OrderStock, Product, StockMovement


class Movement(NamedTuple):
    """New stock movement of an order; the fields are columns of StockMovement."""

    product: UUID
    order_id: UUID
    kind: str
    quantity: int


class Shelf:
    """Locked products of a batch of orders. Records the changes that the repository stores."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = {product.sku: product for product in products}
        #: Products with a changed stock, by id. Each is stored once, however many orders took of it.
        self.changed: dict[UUID, Product] = {}
        self.movements: list[Movement] = []

    def shortages(self, order: OrderStock) -> tuple[Shortage, ...]:
        """Return the lines that the stock cannot serve in full."""
        return tuple(
            Shortage(sku=line.sku, requested=line.quantity, available=available)
            for line in order.stock_lines
            if (available := self._available(line.sku)) < line.quantity
        )

    def can_wait(self, shortages: Iterable[Shortage]) -> bool:
        """Tell whether all that is short can be ordered ahead."""
        return all(
            shortage.sku in self._products and self._products[shortage.sku].backorderable
            for shortage in shortages
        )

    def reserve(self, order: OrderStock) -> None:
        """Hold all lines of an order."""
        for line in order.stock_lines:
            self._hold(line.sku, line.quantity)

    def release(self, order: OrderStock) -> None:
        """Hold the lines of an order no longer."""
        for line in order.stock_lines:
            self._hold(line.sku, -line.quantity)

    def take(self, order: OrderStock) -> None:
        """Take all lines of an order, which are reserved, out of the stock."""
        for line in order.stock_lines:
            product = self._move(order, line.sku, StockMovement.Kind.SOLD, -line.quantity)
            product.reserved -= line.quantity

    def put_back(self, order: OrderStock) -> None:
        """Put all lines of an order back into the stock."""
        for line in order.stock_lines:
            product = self._move(order, line.sku, StockMovement.Kind.RESTOCKED, line.quantity)
            product.available += line.quantity

    def _available(self, sku: str) -> int:
        return self._products[sku].available if sku in self._products else 0

    def _hold(self, sku: str, quantity: int) -> None:
        product = self._products[sku]
        product.available -= quantity
        product.reserved += quantity
        self.changed[product.pk] = product

    def _move(self, order: OrderStock, sku: str, kind: StockMovement.Kind, quantity: int) -> Product:
        product = self._products[sku]
        self.changed[product.pk] = product
        self.movements.append(Movement(product.pk, order.order_id, kind.value, quantity))
        return product
