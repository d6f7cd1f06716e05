"""Bookings of stock by operators: deliveries, losses, counts and corrections."""

import logging
from collections.abc import Collection, Sequence
from uuid import UUID

from inventory import repository
from inventory.bookings import Booking, Entry
from inventory.errors import InventoryError
from inventory.models import Product, StockMovement
from inventory.services.selling import serve_waiting_orders
from shop.messaging.publishing import publish, unit_of_work

logger = logging.getLogger("shop.inventory")

Kind = StockMovement.Kind


@unit_of_work()
def book(*, bookings: Sequence[Booking], actor: str = "") -> list[Entry]:
    """Book what people say about the stock, in this order: all of it, or nothing.

    Publishes StockReceived, StockWrittenOff, StockCounted or StockAdjusted for each that makes a difference.

    Raises:
        InventoryError: one of them is impossible.
    """
    pages = repository.lock_book(bookings)
    entries = [pages.enter(booking) for booking in bookings]
    repository.store_entries(entries, actor=actor)
    for entry in entries:
        if entry.difference:
            publish(entry.event)
    return entries


def preview(*, bookings: Sequence[Booking]) -> list[Entry | InventoryError]:
    """Return what bookings would do as things stand, or why each is impossible. Nothing is booked."""
    pages = repository.open_book(bookings)
    outcomes: list[Entry | InventoryError] = []
    for booking in bookings:
        try:
            outcomes.append(pages.enter(booking))
        except InventoryError as error:
            outcomes.append(error)
    return outcomes


def adjust_stock(*, sku: str, quantity: int, reason: str, actor: str = "") -> Product:
    """Correct the stock of a product by ``quantity``, up or down; record the actor and the reason.

    Publishes StockAdjusted.

    Raises:
        UnknownProduct, NothingToAdjust, ReasonMissing, NotEnoughStock, StockLimitExceeded
    """
    return _book_one(Kind.ADJUSTED, sku, quantity, reason, actor)


def recount_stock(*, sku: str, counted: int, reason: str, actor: str = "") -> Product:
    """Set the stock on hand of a product to the counted quantity, and record the difference in its ledger.

    Repairs what an adjustment cannot: a stock that differs from the sum of its movements, or from what is
    reserved for orders. Publishes StockCounted.

    Raises:
        UnknownProduct, NegativeCount, ReasonMissing, StockLimitExceeded, CountBelowReserved
    """
    return _book_one(Kind.COUNTED, sku, counted, reason, actor)


def _book_one(kind: str, sku: str, quantity: int, reason: str, actor: str) -> Product:
    booking = Booking(kind=kind, sku=sku, quantity=quantity, reason=reason.strip())
    [entry] = book(bookings=[booking], actor=actor)
    return entry.product


@unit_of_work()
def follow_changes(*, product_ids: Collection[UUID]) -> None:
    """Report the products that operators left sold out, and serve the orders that wait for goods."""
    report_sold_out(product_ids=product_ids)
    serve_waiting_orders()


def report_sold_out(*, product_ids: Collection[UUID]) -> list[Product]:
    """Log a warning for each product on sale that operators left sold out, and return these."""
    sold_out = list(Product.objects.filter(pk__in=product_ids, active=True, available=0).order_by("sku"))
    for product in sold_out:
        logger.warning("%s is on sale, and an adjustment left none of it", product.sku)
    return sold_out
