"""Services of inventory: keep the catalogue, and take and put back stock without overselling.

Orders are locked before products, each by their keys, so that concurrent batches do not deadlock.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from inventory import repository
from inventory.errors import NotEnoughStock, NothingToAdjust, ReasonMissing, StockLimitExceeded
from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    Shortage,
    StockAdjusted,
    StockLine,
)
from inventory.models import MAX_STOCK, OrderStock, Product, StockMovement
from inventory.shelf import Shelf
from shop.messaging.contracts import Event
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import publish, unit_of_work
from shop.visible import is_visible

logger = logging.getLogger("shop.inventory")

State = OrderStock.State


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product to add to the catalogue."""

    sku: str
    name: str
    price: Decimal
    #: Empty for the shop's own currency.
    currency: str = ""
    description: str = ""
    #: An emoji, the name of an SVG picture, or a URL.
    picture: str = ""
    active: bool = True
    #: Initial stock; ignored if the product is known.
    stock: int = 0


# --- Orders ----------------------------------------------------------------------------------


def remember_orders(*, lines: Mapping[UUID, Iterable[tuple[str, int]]]) -> None:
    """Remember the lines of orders, as (SKU, quantity), until they are paid. A known order stays as it is."""
    repository.add_new(
        [OrderStock(order_id=order_id, lines=_as_json(wanted)) for order_id, wanted in lines.items()]
    )


@unit_of_work()
def deduct_stock(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Take all lines of each order from the stock, or none of that order; older orders come first.

    Publishes InventoryUpdated or InventoryRejected. Skips orders that are decided or stopped.

    Raises:
        TooEarly: an order is not remembered yet.
    """
    orders = [order for order in repository.lock(order_ids) if order.state == State.REMEMBERED]
    shelf = repository.lock_shelf(orders)
    for order in orders:
        _deduct_or_reject(order, shelf)
    return _store_and_publish(orders, shelf)


@unit_of_work()
def restock(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Put the deducted stock of orders back, once, and publish InventoryRestocked.

    Raises:
        TooEarly: the stock of an order is not decided yet.
    """
    orders = repository.lock(order_ids)
    if early := [str(order.order_id) for order in orders if order.state == State.REMEMBERED]:
        raise TooEarly(f"inventory has not decided yet about order {', '.join(early)}")
    deducted = [order for order in orders if order.state == State.DEDUCTED]
    shelf = _put_back(deducted)
    return _store_and_publish(deducted, shelf)


@unit_of_work()
def stop_orders(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Restock each deducted order and release the others. An unknown order is released in advance.

    Publishes InventoryRestocked or InventoryReleased, once for each order.
    """
    orders = repository.lock_or_add(order_ids)
    deducted = [order for order in orders if order.state == State.DEDUCTED]
    untaken = [order for order in orders if order.state in {State.REMEMBERED, State.REJECTED}]
    shelf = _put_back(deducted)
    for order in untaken:
        order.move_to(State.RELEASED)
    return _store_and_publish(deducted + untaken, shelf)


def _deduct_or_reject(order: OrderStock, shelf: Shelf) -> None:
    if shortages := shelf.shortages(order):
        order.shortages = [shortage.model_dump() for shortage in shortages]
        order.move_to(State.REJECTED)
    else:
        order.move_to(State.DEDUCTED)
        shelf.take(order)


def _put_back(deducted: Collection[OrderStock]) -> Shelf:
    shelf = repository.lock_shelf(deducted)
    for order in deducted:
        order.move_to(State.RESTOCKED)
        shelf.put_back(order)
    return shelf


def _store_and_publish(changed: list[OrderStock], shelf: Shelf) -> list[OrderStock]:
    repository.store(changed, shelf)
    for order in changed:
        publish(_outcome(order))
    return changed


def _outcome(order: OrderStock) -> Event:
    if order.state == State.DEDUCTED:
        return InventoryUpdated(order_id=order.order_id, lines=order.stock_lines)
    if order.state == State.RESTOCKED:
        return InventoryRestocked(order_id=order.order_id, lines=order.stock_lines)
    if order.state == State.RELEASED:
        return InventoryReleased(order_id=order.order_id)
    shortages = tuple(Shortage(**shortage) for shortage in order.shortages)
    return InventoryRejected(order_id=order.order_id, shortages=shortages)


def _as_json(lines: Iterable[tuple[str, int]]) -> list[dict[str, object]]:
    wanted: Counter[str] = Counter()
    for sku, quantity in lines:
        wanted[sku] += quantity
    return [StockLine(sku=sku, quantity=quantity).model_dump() for sku, quantity in wanted.items()]


# --- Catalogue -------------------------------------------------------------------------------


def add_product(
    *,
    sku: str,
    name: str,
    price: Decimal,
    currency: str = "",
    description: str = "",
    picture: str = "",
    active: bool = True,
    stock: int = 0,
) -> Product:
    """Add a product, or change how a known one is sold. The stock of a known one stays as it is.

    Raises:
        ValidationError: a field is invalid.
    """
    product = NewProduct(
        sku=sku,
        name=name,
        price=price,
        currency=currency,
        description=description,
        picture=picture,
        active=active,
        stock=stock,
    )
    return add_products(products=[product])[0]


@transaction.atomic
def add_products(*, products: Iterable[NewProduct]) -> list[Product]:
    """Add many products in a few statements, as :func:`add_product` does; the last of equal SKUs counts."""
    new = {product.sku: _product(product) for product in products}
    stored = repository.add_products(new.values())
    return [stored[sku] for sku in new]


def _product(new: NewProduct) -> Product:
    facts = asdict(new)
    stock = facts.pop("stock")
    facts["currency"] = facts["currency"] or settings.SHOP_CURRENCY
    product = Product(**facts, initial_stock=stock, available=stock)
    product.clean_fields()
    product.clean()
    return product


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
    """Set the stock of a product to the counted quantity, and record the difference in its ledger.

    Repairs what an adjustment cannot: a stock that differs from the sum of its movements. Publishes
    StockAdjusted.

    Raises:
        UnknownProduct, ReasonMissing, StockLimitExceeded
    """
    product = repository.lock_product(sku)
    if not is_visible(reason):
        raise ReasonMissing(sku=sku)
    if counted > MAX_STOCK:
        raise StockLimitExceeded(sku=sku, limit=MAX_STOCK)
    recorded = product.movements.aggregate(sum=Sum("quantity", default=0))["sum"]
    product.available = counted
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
        raise NotEnoughStock(sku=product.sku, available=product.available, wanted=-quantity)
    if product.available + quantity > MAX_STOCK:
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
