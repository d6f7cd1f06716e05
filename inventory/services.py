"""What inventory does: keep a catalogue, and take and give back stock without ever overselling.

Orders are locked by id, then products by SKU, so that no two batches wait for each other in a circle.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from inventory.errors import (
    NotEnoughStock,
    NothingToAdjust,
    ReasonMissing,
    StockLimitExceeded,
    UnknownProduct,
)
from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    Shortage,
    StockLine,
)
from inventory.models import MAX_STOCK, OrderStock, Product, StockMovement
from shop.messaging.contracts import Event
from shop.messaging.errors import TooEarly
from shop.messaging.outbox import defer_write
from shop.messaging.publishing import publish, unit_of_work
from shop.postgres.locking import locked
from shop.postgres.statements import insert_new
from shop.postgres.writes import InsertValues, Update, Write

State, Kind = OrderStock.State, StockMovement.Kind

#: What a movement of an order says.
MOVED = ("product", "order_id", "kind", "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product as it comes into the catalogue."""

    sku: str
    name: str
    price: Decimal
    #: Empty for the shop's own currency.
    currency: str = ""
    description: str = ""
    #: An emoji, the name of an SVG picture, or a URL.
    picture: str = ""
    active: bool = True
    #: What there is of it; counts only if the product is new.
    stock: int = 0


#: What a shelf has to know of a product.
_COUNTED = ("id", "sku", "available")


class Shelf:
    """The products that a batch of orders needs, locked; decides in memory, writes once."""

    def __init__(self, orders: Iterable[OrderStock]) -> None:
        skus = {line.sku for order in orders for line in order.stock_lines}
        self.products = {product.sku: product for product in locked(Product, "sku", skus, only=_COUNTED)}
        self.moved: dict[UUID, Product] = {}
        #: Product, order, kind and quantity of each movement.
        self.movements: list[tuple[UUID, UUID, str, int]] = []

    def shortages(self, order: OrderStock) -> tuple[Shortage, ...]:
        """What is missing to serve all lines of the order."""
        return tuple(
            Shortage(sku=line.sku, requested=line.quantity, available=have)
            for line in order.stock_lines
            if (have := self._available(line.sku)) < line.quantity
        )

    def take(self, order: OrderStock) -> None:
        for line in order.stock_lines:
            self._move(order, line.sku, Kind.SOLD, -line.quantity)

    def put_back(self, order: OrderStock) -> None:
        for line in order.stock_lines:
            self._move(order, line.sku, Kind.RESTOCKED, line.quantity)

    def writes(self) -> list[Write]:
        """What has to be written; of each product once, however many orders took of it."""
        if not self.movements:
            return []
        columns = dict(zip(MOVED, zip(*self.movements, strict=True), strict=True))
        return [
            Update(list(self.moved.values()), ["available"]),
            InsertValues(StockMovement, columns),
        ]

    def _available(self, sku: str) -> int:
        return self.products[sku].available if sku in self.products else 0

    def _move(self, order: OrderStock, sku: str, kind: StockMovement.Kind, quantity: int) -> None:
        product = self.products[sku]
        product.available += quantity
        self.moved[product.pk] = product
        self.movements.append((product.pk, order.order_id, kind.value, quantity))


# --- Orders ----------------------------------------------------------------------------------


def remember_orders(*, lines: Mapping[UUID, Iterable[tuple[str, int]]]) -> None:
    """Remember what each order wants, as (SKU, quantity), until it is paid. A known order stays as it is."""
    insert_new([OrderStock(order_id=order_id, lines=_as_json(lines[order_id])) for order_id in sorted(lines)])


@unit_of_work()
def deduct_stock(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Take all lines of each order from the stock, or none of that order; older orders come first.

    Raises :class:`TooEarly` if an order is not remembered yet. Does nothing for an order that has got
    its answer, or was stopped.
    """
    orders = [order for order in _locked(order_ids) if order.state == State.REMEMBERED]
    shelf = Shelf(orders)
    for order in orders:
        _decide(order, shelf)
    return _settle(orders, shelf)


@unit_of_work()
def restock(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Put back what was taken for the orders, once.

    Raises :class:`TooEarly` if nothing has been decided about an order yet.
    """
    orders = _locked(order_ids)
    if early := [str(order.order_id) for order in orders if order.state == State.REMEMBERED]:
        raise TooEarly(f"nothing has been decided yet about the stock of {', '.join(early)}")
    deducted = [order for order in orders if order.state == State.DEDUCTED]
    return _settle(deducted, _put_back(deducted))


@unit_of_work()
def stop_orders(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Restock or release each order, and answer which; an order yet unknown is released beforehand."""
    tombstones = [OrderStock(order_id=order_id) for order_id in sorted(order_ids)]
    OrderStock.objects.bulk_create(tombstones, ignore_conflicts=True)
    orders = _locked(order_ids)
    deducted = [order for order in orders if order.state == State.DEDUCTED]
    untaken = [order for order in orders if order.state in {State.REMEMBERED, State.REJECTED}]
    shelf = _put_back(deducted)
    for order in untaken:
        order.move_to(State.RELEASED)
    return _settle(deducted + untaken, shelf)


def _locked(order_ids: Collection[UUID]) -> list[OrderStock]:
    orders = locked(OrderStock, "order_id", order_ids)
    if missing := set(order_ids) - {order.order_id for order in orders}:
        raise TooEarly(f"not heard of yet: order {', '.join(map(str, sorted(missing)))}")
    return orders


def _decide(order: OrderStock, shelf: Shelf) -> None:
    if shortages := shelf.shortages(order):
        order.shortages = [shortage.model_dump() for shortage in shortages]
        order.move_to(State.REJECTED)
    else:
        order.move_to(State.DEDUCTED)
        shelf.take(order)


def _put_back(deducted: Collection[OrderStock]) -> Shelf:
    shelf = Shelf(deducted)
    for order in deducted:
        order.move_to(State.RESTOCKED)
        shelf.put_back(order)
    return shelf


def _settle(changed: list[OrderStock], shelf: Shelf) -> list[OrderStock]:
    """Write the orders and what they took or gave back, and tell of it."""
    if changed:
        defer_write(*shelf.writes(), Update(changed, ["state", "shortages", "changed_at"]))
    for order in changed:
        publish(_answer(order))
    return changed


def _answer(order: OrderStock) -> Event:
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
    """Add a product, or change how the known one is sold. The stock of a known one stays as it is."""
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
    rows = {new.sku: _as_row(new) for new in products}
    Product.objects.bulk_create(
        [rows[sku] for sku in sorted(rows)],
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=["name", "price", "currency", "description", "picture", "active"],
    )
    stored = {product.sku: product for product in Product.objects.filter(sku__in=rows)}
    StockMovement.objects.bulk_create(
        [StockMovement(product=p, kind=Kind.INITIAL, quantity=p.initial_stock) for p in stored.values()],
        ignore_conflicts=True,
    )
    return [stored[sku] for sku in rows]


def _as_row(new: NewProduct) -> Product:
    facts = asdict(new)
    stock = facts.pop("stock")
    facts["currency"] = facts["currency"] or settings.SHOP_CURRENCY
    product = Product(**facts, initial_stock=stock, available=stock)
    product.clean_fields()
    return product


@transaction.atomic
def adjust_stock(*, sku: str, quantity: int, reason: str, actor: str = "") -> Product:
    """Correct the stock of a product by ``quantity``, up or down, and keep who did it and why.

    Raises:
        UnknownProduct, NothingToAdjust, ReasonMissing, NotEnoughStock, StockLimitExceeded
    """
    product = Product.objects.select_for_update(no_key=True).filter(sku=sku).first()
    if product is None:
        raise UnknownProduct(sku=sku)
    _check_adjustment(product, quantity, reason.strip())
    product.available += quantity
    product.save(update_fields=["available"])
    StockMovement.objects.create(
        product=product, kind=Kind.ADJUSTED, quantity=quantity, reason=reason.strip(), actor=actor
    )
    return product


@transaction.atomic
def recount_stock(*, sku: str, counted: int, reason: str, actor: str = "") -> Product:
    """Set the stock of a product to what was counted, and have its ledger explain it.

    Mends what an adjustment cannot: a stock that is not what its movements add up to.

    Raises:
        UnknownProduct, ReasonMissing, StockLimitExceeded
    """
    product = Product.objects.select_for_update(no_key=True).filter(sku=sku).first()
    if product is None:
        raise UnknownProduct(sku=sku)
    if not reason.strip():
        raise ReasonMissing(sku=sku)
    if counted > MAX_STOCK:
        raise StockLimitExceeded(sku=sku, limit=MAX_STOCK)
    booked = product.movements.aggregate(sum=Sum("quantity", default=0))["sum"]
    product.available = counted
    product.save(update_fields=["available"])
    if counted != booked:
        StockMovement.objects.create(
            product=product, kind=Kind.ADJUSTED, quantity=counted - booked, reason=reason, actor=actor
        )
    return product


def _check_adjustment(product: Product, quantity: int, reason: str) -> None:
    if not quantity:
        raise NothingToAdjust(sku=product.sku)
    if not reason:
        raise ReasonMissing(sku=product.sku)
    if product.available + quantity < 0:
        raise NotEnoughStock(sku=product.sku, available=product.available, wanted=-quantity)
    if product.available + quantity > MAX_STOCK:
        raise StockLimitExceeded(sku=product.sku, limit=MAX_STOCK)
