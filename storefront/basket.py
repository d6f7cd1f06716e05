"""Basket of a visitor, stored in the session without prices; the catalogue has those."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext

from inventory import queries as inventory
from inventory.queries import CatalogueItem
from orders.intake import MAX_QUANTITY

#: Session key of the basket: {"key": str, "lines": {SKU: quantity}}.
SESSION_KEY = "basket"


class BasketFull(Exception):
    """A basket holds no more different products: order these first, then fill a new one."""

    def __init__(self) -> None:
        super().__init__(
            gettext("A basket holds no more different products: order these first, then fill a new one.")
        )


@dataclass(frozen=True, slots=True)
class BasketLine:
    """Product with a quantity, at its current price."""

    item: CatalogueItem
    quantity: int

    @property
    def amount(self) -> Decimal:
        """Price of the line."""
        return self.quantity * self.item.price

    @property
    def has_to_come_in(self) -> bool:
        """True if some of it has to come in before it can be sent."""
        return self.item.backorderable and self.quantity > self.item.available

    @property
    def problem(self) -> str:
        """Reason why the line cannot be ordered, with the remedy; empty if it can."""
        if not self.item.active:
            return gettext("Not sold any more: please remove it.")
        if self.item.backorderable:
            return ""
        if not self.item.in_stock:
            return gettext("Sold out for now: please remove it.")
        if self.quantity > self.item.available:
            return gettext("Only {available} left: please take {available} or fewer.").format(
                available=self.item.available
            )
        return ""


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of a basket, with the current prices and stock."""

    lines: list[BasketLine]

    @property
    def totals(self) -> dict[str, Decimal]:
        """Total by currency; there is rarely more than one."""
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            totals[line.item.currency] += line.amount
        return dict(totals)

    @property
    def can_be_ordered(self) -> bool:
        """True if there are lines, and no line has a problem."""
        return bool(self.lines) and not any(line.problem for line in self.lines)

    @property
    def fingerprint(self) -> str:
        """Hash of quantities and prices, to detect a change since the customer saw them."""
        lines = [(line.item.sku, line.quantity, str(line.item.price)) for line in self.lines]
        return hashlib.sha256(repr(lines).encode()).hexdigest()


class Basket:
    """Basket in the session of a request."""

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        stored = self._session.get(SESSION_KEY, {})
        self._lines: dict[str, int] = stored.get("lines", {})
        #: Idempotency key of the order placed from this basket.
        self.key: str = stored.get("key", "")

    def __len__(self) -> int:
        return sum(self._lines.values())

    def __contains__(self, sku: str) -> bool:
        return sku in self._lines

    def contents(self) -> Contents:
        """Return the contents in order of insertion, without products unknown to the catalogue."""
        items = inventory.products(self._lines) if self._lines else {}
        return Contents([BasketLine(items[sku], n) for sku, n in self._lines.items() if sku in items])

    def add(self, sku: str, quantity: int) -> None:
        """Increase the quantity of a product.

        Raises:
            BasketFull: the basket has too many different products.
        """
        self.put(sku, self._lines.get(sku, 0) + quantity)

    def put(self, sku: str, quantity: int) -> None:
        """Set the quantity of a product; 0 removes it.

        Raises:
            BasketFull: the basket has too many different products.
        """
        if sku not in self._lines and len(self._lines) >= settings.SHOP_MAX_ORDER_LINES:
            raise BasketFull
        self._lines[sku] = min(quantity, MAX_QUANTITY)
        if quantity <= 0:
            del self._lines[sku]
        self._save()

    def clear(self) -> None:
        """Replace the basket by an empty one with a new key."""
        self._session.pop(SESSION_KEY, None)
        self._lines, self.key = {}, ""

    def _save(self) -> None:
        self.key = self.key or str(uuid4())
        self._session[SESSION_KEY] = {"key": self.key, "lines": self._lines}
