"""The basket: what a visitor wants to buy, kept in the session. It holds no prices, the catalogue does."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest

from inventory import queries as inventory
from inventory.queries import CatalogueItem
from orders.intake import MAX_QUANTITY

#: Where it is in the session: {"key": str, "lines": {SKU: quantity}}.
SESSION_KEY = "basket"


class BasketFull(Exception):
    """A basket holds no more different products: order these first, then fill a new one."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many of a product, at the price it has now."""

    item: CatalogueItem
    quantity: int

    @property
    def amount(self) -> Decimal:
        """What the line costs in all."""
        return self.quantity * self.item.price

    @property
    def problem(self) -> str:
        """Why the line cannot be ordered, and the remedy; else empty."""
        if not self.item.active:
            return "Not sold any more: please remove it."
        if not self.item.in_stock:
            return "Sold out for now: please remove it."
        if self.quantity > self.item.available:
            return f"Only {self.item.available} left: please take {self.item.available} or fewer."
        return ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the basket, as the catalogue sells it now."""

    lines: list[BasketLine]

    @property
    def totals(self) -> dict[str, Decimal]:
        """What it costs, by currency; there is hardly ever more than one."""
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            totals[line.item.currency] += line.amount
        return dict(totals)

    @property
    def can_be_ordered(self) -> bool:
        return bool(self.lines) and not any(line.problem for line in self.lines)

    @property
    def fingerprint(self) -> str:
        """Tells whether quantities or prices are still those that somebody has seen."""
        seen = [(line.item.sku, line.quantity, str(line.item.price)) for line in self.lines]
        return hashlib.sha256(repr(seen).encode()).hexdigest()


class Basket:
    """The basket of whoever makes the request."""

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        kept = self._session.get(SESSION_KEY, {})
        self._lines: dict[str, int] = kept.get("lines", {})
        #: The same for every attempt to order this basket, so that it is ordered once.
        self.key: str = kept.get("key", "")

    def __len__(self) -> int:
        return sum(self._lines.values())

    def __contains__(self, sku: str) -> bool:
        return sku in self._lines

    def contents(self) -> Contents:
        """What is in it, in the order of putting it in; what the catalogue does not know is left out."""
        items = inventory.products(self._lines) if self._lines else {}
        return Contents([BasketLine(items[sku], n) for sku, n in self._lines.items() if sku in items])

    def add(self, sku: str, quantity: int) -> None:
        """Put so many more in; :class:`BasketFull` if there are too many different products."""
        self.put(sku, self._lines.get(sku, 0) + quantity)

    def put(self, sku: str, quantity: int) -> None:
        """Have so many of it in the basket; none takes it out."""
        if sku not in self._lines and len(self._lines) >= settings.SHOP_MAX_ORDER_LINES:
            raise BasketFull
        self._lines[sku] = min(quantity, MAX_QUANTITY)
        if quantity <= 0:
            del self._lines[sku]
        self._save()

    def clear(self) -> None:
        """Start a new one."""
        self._session.pop(SESSION_KEY, None)
        self._lines, self.key = {}, ""

    def _save(self) -> None:
        self.key = self.key or str(uuid4())
        self._session[SESSION_KEY] = {"key": self.key, "lines": self._lines}
