"""Queries of inventory: prices, catalogue, stock, and facts for the audit, as plain data."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from inventory.models import Category, OrderStock, Product, StockMovement
from inventory.repository import reserved_for_orders
from inventory.stock_history import adjusted_before, logged_changes
from shop.postgres.combined_selects import Select, fetch

Row = OrderStock | StockMovement

#: Runs for every order. The ORM takes four times as long.
_PRICES = """
    SELECT sku, name, price::text, currency, active FROM inventory_product WHERE sku = ANY(%b::text[])
"""


#: Number of pieces below which customers are told how many are left.
FEW = 10
#: Orders of the catalogue, each by a column of the products.
SORTS = {"name": "name", "price": "price", "-price": "-price", "newest": "-created_at"}


@dataclass(frozen=True, slots=True)
class Price:
    """Current price of a product."""

    sku: str
    name: str
    unit_price: Decimal
    currency: str
    #: It can be ordered.
    active: bool


@dataclass(frozen=True, slots=True)
class CategoryItem:
    """A category as a customer sees it."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A product as a customer sees it."""

    sku: str
    name: str
    description: str
    price: Decimal
    currency: str
    #: An emoji, the name of an SVG picture, or a URL.
    picture: str
    available: int
    active: bool
    #: Orders wait for goods to come in when there are not enough.
    backorderable: bool = False
    category: CategoryItem | None = None

    @property
    def in_stock(self) -> bool:
        """True if at least one is available."""
        return self.available > 0

    @property
    def is_scarce(self) -> bool:
        """True if few are left, and no more can be ordered."""
        return self.in_stock and not self.backorderable and self.available < FEW

    @property
    def can_be_ordered(self) -> bool:
        """True if an order is served, now or later."""
        return self.active and (self.in_stock or self.backorderable)


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Stock of a product."""

    sku: str
    name: str
    initial: int
    available: int
    active: bool
    #: Held for orders, besides what is available.
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Movement:
    """Change of a product's stock."""

    sku: str
    kind: str
    quantity: int
    order_id: UUID | None
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StockOfOrder:
    """Lines of an order, and the outcome of their deduction."""

    order_id: UUID
    state: str
    state_label: str
    #: SKU -> quantity.
    wanted: dict[str, int]
    #: SKU -> (requested, available at the decision), of a rejected order.
    shortages: dict[str, tuple[int, int]]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StockFacts:
    """Stock of a product and the sums of its movements, for the audit."""

    sku: str
    initial: int
    available: int
    #: Kind of movement -> sum of its signed quantities.
    movements: dict[str, int] = field(default_factory=dict)
    #: The stock that it began with, changed as its events say.
    by_events: int = 0
    #: Held for orders, besides what is available.
    reserved: int = 0
    #: The same by the orders.
    reserved_for_orders: int = 0
    #: The same by the events.
    reserved_by_events: int = 0

    @property
    def on_hand(self) -> int:
        """Number of pieces that there are: available or reserved."""
        return self.available + self.reserved

    @property
    def expected(self) -> int:
        """The stock on hand that the movements add up to."""
        return sum(self.movements.values())


@dataclass(frozen=True, slots=True)
class OrderStockFacts:
    """State of an order's stock and its movements, for the audit."""

    order_id: UUID
    #: ``unknown`` if there are movements of an order that inventory does not know.
    state: str
    wanted: dict[str, int] = field(default_factory=dict)
    #: SKU -> quantity taken, positive.
    deducted: dict[str, int] = field(default_factory=dict)
    #: SKU -> quantity put back, positive.
    restocked: dict[str, int] = field(default_factory=dict)
    #: SKU -> quantity that came back after the parcel had left, positive.
    returned: dict[str, int] = field(default_factory=dict)


def prices_of(skus: Collection[str]) -> dict[str, Price]:
    """Return the prices of those of the SKUs that exist."""
    return fetch(Select(_PRICES, [[*skus]], _read_prices))


def _read_prices(rows: list[dict[str, Any]]) -> dict[str, Price]:
    return {
        row["sku"]: Price(row["sku"], row["name"], Decimal(row["price"]), row["currency"], row["active"])
        for row in rows
    }


def having_all_words(search: str) -> Q:
    """Return the one condition of a search: each word is in name, SKU or description."""
    words = (
        Q(name__icontains=word) | Q(sku__icontains=word) | Q(description__icontains=word)
        for word in search.split()
    )
    return Q(*words)


def catalogue(
    *,
    search: str = "",
    category: str = "",
    sort: str = "name",
    between: tuple[Decimal | None, Decimal | None] = (None, None),
    in_stock: bool = False,
    limit: int = 100,
    after: str = "",
) -> list[CatalogueItem]:
    """Return products that can be ordered; the next page comes ``after`` the last SKU seen.

    Args:
        search: words that name, SKU or description have.
        category: slug of the category that they are in; empty for all.
        sort: one of :data:`SORTS`.
        between: lowest and highest price in the shop's currency; either leaves out prices in others.
        in_stock: leave out what is sold out.
        limit: the most products.
        after: SKU of the product that the page before ended with.
    """
    lowest, highest = between
    bounds: dict[str, Any] = {
        "price__gte": lowest,
        "price__lte": highest,
        "available__gt": 0 if in_stock else None,
    }
    is_bounded = between != (None, None)
    bounds |= {"category": category or None, "currency": settings.SHOP_CURRENCY if is_bounded else None}
    wanted = {name: value for name, value in bounds.items() if value is not None}
    products = _shown().filter(having_all_words(search), active=True, **wanted)
    column, falls = SORTS[sort].removeprefix("-"), SORTS[sort].startswith("-")
    if last := Product.objects.filter(sku=after).values_list(column, "sku").first() if after else None:
        beyond = {f"{column}__{'lt' if falls else 'gt'}": last[0]}
        products = products.filter(Q(**beyond) | Q(**{column: last[0]}, sku__gt=last[1]))
    return [_item(product) for product in products.order_by(SORTS[sort], "sku")[:limit]]


def product(sku: str) -> CatalogueItem | None:
    """Return one product, active or not."""
    found = _shown().filter(sku=sku).first()
    return _item(found) if found else None


def products(skus: Collection[str]) -> dict[str, CatalogueItem]:
    """Return those of the SKUs that exist, active or not, in one statement."""
    return {found.sku: _item(found) for found in _shown().filter(sku__in=set(skus))}


def categories() -> list[CategoryItem]:
    """Return the categories that have products on sale, in their order."""
    on_sale = Product.objects.filter(category=OuterRef("slug"), active=True)
    return [_category(found) for found in Category.objects.filter(Exists(on_sale))]


def category(slug: str) -> CategoryItem | None:
    """Return one category, with products on sale or without."""
    found = Category.objects.filter(slug=slug).first()
    return _category(found) if found else None


def stock_levels(skus: Collection[str]) -> dict[str, StockLevel]:
    """Return the stock of those of the SKUs that exist."""
    return {p.sku: _level(p) for p in Product.objects.filter(sku__in=set(skus))}


def low_stock(*, below: int = 10, limit: int = 20) -> list[StockLevel]:
    """Return active products with a stock below ``below``, lowest first."""
    scarce = Product.objects.filter(active=True, available__lt=below).order_by("available", "sku")
    return [_level(p) for p in scarce[:limit]]


def scarce_products(*, below: int = 10) -> int:
    """Count the active products with a stock below ``below``."""
    return Product.objects.filter(active=True, available__lt=below).count()


def stock_of_order(order_id: UUID) -> StockOfOrder | None:
    """Return the stock of an order; None if inventory does not know the order."""
    order = OrderStock.objects.filter(pk=order_id).first()
    if order is None:
        return None
    return StockOfOrder(
        order_id=order.order_id,
        state=order.state,
        state_label=order.get_state_display(),
        wanted=_wanted(order),
        shortages={s["sku"]: (s["requested"], s["available"]) for s in order.shortages},
        changed_at=order.changed_at,
    )


def movements_of_order(order_id: UUID) -> list[Movement]:
    """Return the movements of an order, oldest first."""
    return [_movement(m) for m in _movements().filter(order_id=order_id).order_by("pk")]


def movements_of_product(sku: str, *, limit: int = 50) -> list[Movement]:
    """Return the latest movements of a product, newest first."""
    return [_movement(m) for m in _movements().filter(product__sku=sku).order_by("-pk")[:limit]]


# --- Streams for the audit ---------------------------------------------------------------------


def stock_facts() -> Iterator[StockFacts]:
    """Stream every product with the sums of its movements and of its events, by SKU."""
    sums = StockMovement.objects.order_by().values_list("product_id", "kind")
    by_product: dict[UUID, dict[str, int]] = {}
    adjustments: dict[UUID, int] = {}
    for product_id, kind, total, count in sums.annotate(total=Sum("quantity"), n=Count("pk")).iterator():
        by_product.setdefault(product_id, {})[kind] = total
        if kind == StockMovement.Kind.ADJUSTED:
            adjustments[product_id] = count
    changes, for_orders = logged_changes(), reserved_for_orders()
    for p in Product.objects.order_by("sku").iterator():
        by_events = p.initial_stock + changes.quantities[p.sku]
        if (unlogged := adjustments.get(p.pk, 0) - changes.adjustments[p.sku]) > 0:
            by_events += adjusted_before(p.pk, unlogged)
        yield StockFacts(
            sku=p.sku,
            initial=p.initial_stock,
            available=p.available,
            movements=by_product.get(p.pk, {}),
            by_events=by_events,
            reserved=p.reserved,
            reserved_for_orders=for_orders[p.sku],
            reserved_by_events=changes.reserved[p.sku],
        )


def order_stock_facts() -> Iterator[OrderStockFacts]:
    """Stream every order that is known or has movements, by order id."""
    states: Iterator[tuple[UUID, Row]] = (
        (order.order_id, order) for order in OrderStock.objects.order_by("pk").iterator()
    )
    moves = _movements().filter(order_id__isnull=False).order_by("order_id", "pk").iterator()
    moved: Iterator[tuple[UUID, Row]] = ((move.order_id, move) for move in moves if move.order_id)
    rows = merge(states, moved, key=itemgetter(0))
    for order_id, group in groupby(rows, key=itemgetter(0)):
        yield _order_facts(order_id, [row for _, row in group])


def _order_facts(order_id: UUID, rows: list[Row]) -> OrderStockFacts:
    facts = OrderStockFacts(order_id, rows[0].state if isinstance(rows[0], OrderStock) else "unknown")
    for row in rows:
        if isinstance(row, OrderStock):
            facts.wanted.update(_wanted(row))
        else:
            of_kind = _by_kind(facts, row.kind)
            of_kind[row.product.sku] = of_kind.get(row.product.sku, 0) + abs(row.quantity)
    return facts


def _by_kind(facts: OrderStockFacts, kind: str) -> dict[str, int]:
    if kind == StockMovement.Kind.RESTOCKED:
        return facts.restocked
    return facts.returned if kind == StockMovement.Kind.RETURNED else facts.deducted


def _shown() -> QuerySet[Product]:
    return Product.objects.select_related("category")


def _category(category: Category) -> CategoryItem:
    return CategoryItem(category.slug, category.name)


def _item(p: Product) -> CatalogueItem:
    return CatalogueItem(
        sku=p.sku,
        name=p.name,
        description=p.description,
        price=p.price,
        currency=p.currency,
        picture=p.picture,
        available=p.available,
        active=p.active,
        backorderable=p.backorderable,
        category=_category(p.category) if p.category else None,
    )


def _level(p: Product) -> StockLevel:
    return StockLevel(p.sku, p.name, p.initial_stock, p.available, p.active, p.reserved)


def _wanted(order: OrderStock) -> dict[str, int]:
    return {line.sku: line.quantity for line in order.stock_lines}


def _movements() -> QuerySet[StockMovement]:
    return StockMovement.objects.select_related("product")


def _movement(m: StockMovement) -> Movement:
    return Movement(m.product.sku, m.kind, m.quantity, m.order_id, m.reason, m.actor, m.at)
