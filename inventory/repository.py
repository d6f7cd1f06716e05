"""Statements of inventory beyond the ORM: orders and products added, locked and stored in sets.

Orders are locked by id, then products by SKU, so that concurrent batches do not deadlock.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from operator import attrgetter
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from inventory.bookings import Booking, Entry, StockBook
from inventory.errors import UnknownProduct
from inventory.models import OrderStock, Product, StockMovement
from inventory.shelf import Movement, Shelf
from shop.messaging.errors import TooEarly
from shop.messaging.outbox import defer_write
from shop.postgres import locking, statements
from shop.postgres.writes import InsertValues, Update

#: Orders that wait, and each of whose lines the stock can serve. Locking them puts the oldest first.
_SERVABLE = """
    SELECT order_id FROM inventory_orderstock AS waiting
    WHERE state IN ('short', 'awaiting') AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(waiting.lines) AS line (sku text, quantity bigint)
        LEFT JOIN inventory_product AS product ON product.sku = line.sku
        WHERE coalesce(product.available, 0) < line.quantity)
"""
_RESERVED = """
    SELECT line.sku, sum(line.quantity)::bigint
    FROM inventory_orderstock, jsonb_to_recordset(lines) AS line (sku text, quantity bigint)
    WHERE state = 'reserved' AND (%s::text[] IS NULL OR line.sku = ANY(%s)) GROUP BY line.sku
"""


def add_new(orders: Collection[OrderStock]) -> list[OrderStock]:
    """Insert the orders that are unknown, and return them, oldest first."""
    return statements.insert_new(sorted(orders, key=attrgetter("order_id")))


def add_products(products: Collection[Product]) -> dict[str, Product]:
    """Insert products with their initial movements; update how known ones are sold. Return all, by SKU.

    The SKUs of ``products`` are distinct. The stock of a known product stays as it is.
    """
    Product.objects.bulk_create(
        sorted(products, key=attrgetter("sku")),
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=Product.OFFER,
    )
    stored = Product.objects.filter(sku__in=[product.sku for product in products])
    StockMovement.objects.bulk_create(
        [
            StockMovement(product=product, kind=StockMovement.Kind.INITIAL, quantity=product.initial_stock)
            for product in stored
        ],
        ignore_conflicts=True,
    )
    return {product.sku: product for product in stored}


def lock(order_ids: Collection[UUID]) -> list[OrderStock]:
    """Lock orders, by id, until the transaction ends; TooEarly if one is unknown."""
    orders = locking.locked(OrderStock, "order_id", order_ids)
    if missing := set(order_ids) - {order.order_id for order in orders}:
        raise TooEarly(f"inventory has not heard of order {', '.join(map(str, sorted(missing)))}")
    return orders


def lock_servable() -> list[OrderStock]:
    """Lock the orders that wait and could be served now, oldest first, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_SERVABLE)
        order_ids = [order_id for (order_id,) in cursor.fetchall()]
    return [order for order in locking.locked(OrderStock, "order_id", order_ids) if order.is_waiting]


def lock_or_add(order_ids: Collection[UUID]) -> list[OrderStock]:
    """Lock orders, by id, until the transaction ends. Those that are unknown are inserted, without lines."""
    tombstones = [OrderStock(order_id=order_id) for order_id in sorted(order_ids)]
    OrderStock.objects.bulk_create(tombstones, ignore_conflicts=True)
    return lock(order_ids)


def lock_shelf(orders: Iterable[OrderStock]) -> Shelf:
    """Lock the products of orders, by SKU, until the transaction ends, and read their stock."""
    skus = {line.sku for order in orders for line in order.stock_lines}
    return Shelf(locking.locked(Product, "sku", skus, only=("id", "sku", "backorderable", *Product.STOCK)))


def lock_product(sku: str) -> Product:
    """Lock a product until the transaction ends; UnknownProduct if there is none."""
    product = Product.objects.select_for_update(no_key=True).filter(sku=sku).first()
    if product is None:
        raise UnknownProduct(sku=sku)
    return product


def reserved_for_orders(skus: Collection[str] | None = None) -> Counter[str]:
    """Return what is reserved for orders, by SKU, of all products or of some; exact for locked ones."""
    some = None if skus is None else list(skus)
    with connection.cursor() as cursor:
        cursor.execute(_RESERVED, [some, some])
        return Counter(dict(cursor.fetchall()))


def lock_book(bookings: Iterable[Booking]) -> StockBook:
    """Lock the products of bookings, by SKU, until the transaction ends, and read their stock."""
    bookings = list(bookings)
    return _book(locking.locked(Product, "sku", {booking.sku for booking in bookings}), bookings)


def open_book(bookings: Iterable[Booking]) -> StockBook:
    """Read the stock of the products of bookings, to look at."""
    bookings = list(bookings)
    return _book(Product.objects.filter(sku__in={booking.sku for booking in bookings}), bookings)


def _book(products: Iterable[Product], bookings: list[Booking]) -> StockBook:
    counted = {booking.sku for booking in bookings if booking.kind == StockMovement.Kind.COUNTED}
    if not counted:
        return StockBook(products, {}, {})
    moved = StockMovement.objects.filter(product__sku__in=counted).order_by().values_list("product__sku")
    return StockBook(products, dict(moved.annotate(sum=Sum("quantity"))), reserved_for_orders(counted))


def store_entries(entries: Collection[Entry], *, actor: str) -> None:
    """Write what bookings did to products, which are locked, and to their ledger."""
    Product.objects.bulk_update({entry.product for entry in entries}, Product.STOCK)
    StockMovement.objects.bulk_create(
        StockMovement(
            product=entry.product,
            kind=entry.booking.kind,
            quantity=entry.difference,
            reason=entry.booking.reason,
            actor=actor,
        )
        for entry in entries
        if entry.difference
    )


def store(orders: Collection[OrderStock], shelf: Shelf) -> None:
    """Write changed orders and their changes of stock at the end of the unit of work."""
    if shelf.changed:
        defer_write(Update(list(shelf.changed.values()), Product.STOCK))
    if shelf.movements:
        columns = dict(zip(Movement._fields, zip(*shelf.movements, strict=True), strict=True))
        defer_write(InsertValues(StockMovement, columns))
    if orders:
        defer_write(Update(list(orders), [*OrderStock.CHANGEABLE, "changed_at"]))


def store_stock(product: Product) -> None:
    """Write the stock of a product, which is locked."""
    product.save(update_fields=Product.STOCK)
