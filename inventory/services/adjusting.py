"""Corrections of the stock by operators."""

import logging
from collections.abc import Collection
from uuid import UUID

from django.db.models import Sum

from inventory import repository
from inventory.errors import (
    CountBelowReserved,
    NotEnoughStock,
    NothingToAdjust,
    ReasonMissing,
    StockLimitExceeded,
)
from inventory.events import StockAdjusted
from inventory.models import MAX_STOCK, Product, StockMovement
from shop.messaging.publishing import publish, unit_of_work
from shop.visible import is_visible

logger = logging.getLogger("shop.inventory")


@unit_of_work()
def adjust_stock(*, sku: str, quantity: int, reason: str, actor: str = "") -> Product:
    """Correct the stock of a product by ``quantity``, up or down; record the actor and the reason.

    Publishes StockAdjusted.

    Raises:
        UnknownProduct, NothingToAdjust, ReasonMissing, NotEnoughStock, StockLimitExceeded
    """
    product = repository.lock_product(sku)
    reason = reason.strip()
    _check_adjustment(product, quantity, reason)
    product.available += quantity
    repository.store_stock(product)
    _record_adjustment(product, quantity, reason=reason, actor=actor)
    return product


@unit_of_work()
def recount_stock(*, sku: str, counted: int, reason: str, actor: str = "") -> Product:
    """Set the stock on hand of a product to the counted quantity, and record the difference in its ledger.

    Repairs what an adjustment cannot: a stock that differs from the sum of its movements, or from what is
    reserved for orders. Publishes StockAdjusted.

    Raises:
        UnknownProduct, ReasonMissing, StockLimitExceeded, CountBelowReserved
    """
    product = repository.lock_product(sku)
    if not is_visible(reason):
        raise ReasonMissing(sku=sku)
    if counted > MAX_STOCK:
        raise StockLimitExceeded(sku=sku, limit=MAX_STOCK)
    recorded = product.movements.aggregate(sum=Sum("quantity", default=0))["sum"]
    reserved = repository.reserved_for_orders(sku)[sku]
    if counted < reserved:
        raise CountBelowReserved(sku=sku, counted=counted, reserved=reserved)
    product.available, product.reserved = counted - reserved, reserved
    repository.store_stock(product)
    if counted != recorded:
        _record_adjustment(product, counted - recorded, reason=reason, actor=actor)
    return product


def _check_adjustment(product: Product, quantity: int, reason: str) -> None:
    if not quantity:
        raise NothingToAdjust(sku=product.sku)
    if not is_visible(reason):
        raise ReasonMissing(sku=product.sku)
    if product.available + quantity < 0:
        besides = f" besides {product.reserved} that are reserved" if product.reserved else ""
        raise NotEnoughStock(sku=product.sku, available=product.available, besides=besides, wanted=-quantity)
    if product.on_hand + quantity > MAX_STOCK:
        raise StockLimitExceeded(sku=product.sku, limit=MAX_STOCK)


def _record_adjustment(product: Product, quantity: int, *, reason: str, actor: str) -> None:
    StockMovement.objects.create(
        product=product, kind=StockMovement.Kind.ADJUSTED, quantity=quantity, reason=reason, actor=actor
    )
    publish(
        StockAdjusted(
            product_id=product.pk,
            sku=product.sku,
            quantity=quantity,
            available=product.available,
            reason=reason,
        )
    )


def report_sold_out(*, product_ids: Collection[UUID]) -> list[Product]:
    """Log a warning for each product on sale that an adjustment left sold out, and return these."""
    sold_out = list(Product.objects.filter(pk__in=product_ids, active=True, available=0).order_by("sku"))
    for product in sold_out:
        logger.warning("%s is on sale, and an adjustment left none of it", product.sku)
    return sold_out
