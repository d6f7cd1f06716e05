"""Goods that come back after their parcel had left: put into the stock, once for what they came back with."""

import logging
from collections.abc import Mapping
from uuid import UUID

from django.db.models import Sum

from inventory import repository
from inventory.errors import MoreThanWasTaken
from inventory.events import StockLine, StockReturned
from inventory.models import OrderStock, StockMovement
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import publish, unit_of_work

logger = logging.getLogger("shop.inventory")


@unit_of_work()
def take_back(*, order_id: UUID, returned_with: UUID, lines: Mapping[str, int]) -> None:
    """Put goods of an order into the stock, and publish StockReturned.

    Idempotent by what they came back with. Goods that are in the stock anyway are left alone.

    Args:
        order_id: the order, whose goods were taken.
        returned_with: the refund or the receipt of a return.
        lines: SKU -> quantity.

    Raises:
        TooEarly: the stock of the order is not decided yet.
        MoreThanWasTaken: more comes back than was taken.
    """
    order = repository.lock([order_id])[0]
    if order.is_undecided:
        raise TooEarly(f"inventory has not decided yet about order {order_id}")
    if order.state != OrderStock.State.DEDUCTED:
        logger.warning("order %s is %s: nothing of it can come back", order_id, order.state)
        return
    if StockMovement.objects.filter(returned_with=returned_with).exists():
        return
    _check(order, lines)
    for sku, quantity in sorted(lines.items()):
        _put_back(order, returned_with, sku, quantity)
    publish(
        StockReturned(
            order_id=order_id,
            returned_with=returned_with,
            lines=tuple(StockLine(sku=sku, quantity=quantity) for sku, quantity in sorted(lines.items())),
        )
    )


def _check(order: OrderStock, lines: Mapping[str, int]) -> None:
    taken = {line.sku: line.quantity for line in order.stock_lines}
    returned = StockMovement.objects.filter(order_id=order.pk, kind=StockMovement.Kind.RETURNED).order_by()
    before = dict(returned.values_list("product__sku").annotate(sum=Sum("quantity")))
    for sku, quantity in lines.items():
        if before.get(sku, 0) + quantity > taken.get(sku, 0):
            raise MoreThanWasTaken(order=order.pk, sku=sku, taken=taken.get(sku, 0), back=before.get(sku, 0))


def _put_back(order: OrderStock, returned_with: UUID, sku: str, quantity: int) -> None:
    product = repository.lock_product(sku)
    product.available += quantity
    repository.store_stock(product)
    StockMovement.objects.create(
        product=product,
        kind=StockMovement.Kind.RETURNED,
        quantity=quantity,
        order_id=order.pk,
        returned_with=returned_with,
    )
