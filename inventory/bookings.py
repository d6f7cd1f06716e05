"""Bookings of stock by people, decided in memory: what came in, was lost or counted, and corrections."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext

from inventory.errors import (
    CountBelowReserved,
    NegativeCount,
    NotEnoughStock,
    NothingToAdjust,
    ReasonMissing,
    StockLimitExceeded,
    UnknownProduct,
)
from inventory.events import StockAdjusted, StockCounted, StockReceived, StockWrittenOff
from inventory.models import MAX_STOCK, Product, StockMovement
from shop.messaging.contracts import Event
from shop.visible import is_visible

Kind = StockMovement.Kind
#: What people can book.
BOOKABLE = (Kind.RECEIVED, Kind.WRITTEN_OFF, Kind.COUNTED, Kind.ADJUSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An entry about the stock of a product, as a person makes it."""

    kind: str
    sku: str
    #: How many came in, were lost or were counted; of a correction, positive for more and negative for less.
    quantity: int
    #: Stored with the movement and the event: a delivery note, a cause.
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking, and what it does to the stock."""

    booking: Booking
    product: Product
    #: Signed quantity of its movement; 0 for a count that agrees with the ledger.
    difference: int
    #: Available, and on hand, afterwards.
    available: int
    on_hand: int

    def __str__(self) -> str:
        booking = self.booking
        if booking.kind == Kind.COUNTED:
            return f"Counted {booking.quantity}: {self.difference:+}, {booking.reason}"
        verb = {Kind.RECEIVED: "Received goods", Kind.WRITTEN_OFF: "Wrote goods off"}
        return f"{verb.get(Kind(booking.kind), 'Adjusted the stock')}: {self.difference:+}, {booking.reason}"

    @property
    def event(self) -> Event:
        """The event that tells of it."""
        booking, pk = self.booking, self.product.pk
        told = {"product_id": pk, "sku": booking.sku, "available": self.available, "reason": booking.reason}
        if booking.kind == Kind.RECEIVED:
            return StockReceived(quantity=booking.quantity, **told)
        if booking.kind == Kind.WRITTEN_OFF:
            return StockWrittenOff(quantity=booking.quantity, **told)
        if booking.kind == Kind.COUNTED:
            return StockCounted(counted=booking.quantity, quantity=self.difference, **told)
        return StockAdjusted(quantity=self.difference, **told)


@dataclass
class StockBook:
    """Products whose stock is booked, in memory.

    Attributes:
        products: the products; locked, or only to be looked at.
        recorded: SKU -> sum of the movements, of products that are counted.
        reserved: SKU -> quantity that orders hold, of products that are counted.
    """

    products: Iterable[Product]
    recorded: Mapping[str, int]
    reserved: Mapping[str, int]
    _by_sku: dict[str, Product] = field(init=False)
    _moved: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        """Find products by SKU."""
        self._by_sku = {product.sku: product for product in self.products}

    def enter(self, booking: Booking) -> Entry:
        """Change the stock of a product.

        Raises:
            UnknownProduct, NothingToAdjust, NegativeCount, ReasonMissing, NotEnoughStock,
            StockLimitExceeded, CountBelowReserved
        """
        product = self._by_sku.get(booking.sku)
        if product is None:
            raise UnknownProduct(sku=booking.sku)
        enter = self._count if booking.kind == Kind.COUNTED else self._move
        difference = enter(product, booking)
        self._moved[product.sku] += difference
        return Entry(booking, product, difference, product.available, product.on_hand)

    def _move(self, product: Product, booking: Booking) -> int:
        difference = -booking.quantity if booking.kind == Kind.WRITTEN_OFF else booking.quantity
        if not difference or (booking.kind != Kind.ADJUSTED and booking.quantity < 0):
            raise NothingToAdjust(sku=product.sku)
        _check_reason(booking)
        if product.available + difference < 0:
            raise _not_enough(product, -difference)
        if product.on_hand + difference > MAX_STOCK:
            raise StockLimitExceeded(sku=product.sku, limit=MAX_STOCK)
        product.available += difference
        return difference

    def _count(self, product: Product, booking: Booking) -> int:
        """Set what is on hand, and what is reserved to what orders hold; return what the ledger lacks."""
        sku, counted = product.sku, booking.quantity
        if counted < 0:
            raise NegativeCount(sku=sku)
        _check_reason(booking)
        if counted > MAX_STOCK:
            raise StockLimitExceeded(sku=sku, limit=MAX_STOCK)
        reserved = self.reserved.get(sku, 0)
        if counted < reserved:
            raise CountBelowReserved(sku=sku, counted=counted, reserved=reserved)
        product.available, product.reserved = counted - reserved, reserved
        return counted - self.recorded.get(sku, 0) - self._moved[sku]


def _check_reason(booking: Booking) -> None:
    if not is_visible(booking.reason):
        raise ReasonMissing(sku=booking.sku)


def _not_enough(product: Product, wanted: int) -> NotEnoughStock:
    text = gettext(" besides {reserved} that are reserved").format(reserved=product.reserved)
    besides = text if product.reserved else ""
    return NotEnoughStock(sku=product.sku, available=product.available, besides=besides, wanted=wanted)
