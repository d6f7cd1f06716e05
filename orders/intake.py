"""The rules by which an order is accepted, and the words in which it is refused."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from django.conf import settings

from orders.countries import COUNTRIES
from orders.errors import InvalidOrder, Problem
from orders.events import Address

#: The most of one product in one order.
MAX_QUANTITY = 10_000
#: What the columns can hold.
MAX_TOTAL = Decimal("9999999999.99")
#: The most characters of each part of an address.
ADDRESS_LIMITS = {"name": 120, "street": 200, "city": 100, "postal_code": 20}
MAX_PAYMENT_METHOD = 100


class Item(NamedTuple):
    """So many of one product, as a customer asks for them."""

    sku: str
    quantity: int


class Offer(Protocol):
    """What the catalogue says of a product."""

    @property
    def name(self) -> str: ...
    @property
    def unit_price(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...
    @property
    def active(self) -> bool: ...


def check_request(items: Sequence[Item], ship_to: Address, payment_method: str) -> None:
    """Raise :class:`InvalidOrder` if the order is not well-formed, whatever the catalogue says."""
    _refuse(_about_length(items))
    lines = [*_about_quantities(items), *_about_duplicates(items)]
    _refuse([*lines, *_about_address(ship_to), *_about_payment(payment_method)])


def check_offers(items: Sequence[Item], offers: Mapping[str, Offer]) -> None:
    """Raise :class:`InvalidOrder` if the catalogue cannot serve the order."""
    _refuse(_about_products(items, offers))
    _refuse(_about_money(items, offers))


def total_of(items: Iterable[Item], offers: Mapping[str, Offer]) -> Decimal:
    """What the order costs."""
    return sum((item.quantity * offers[item.sku].unit_price for item in items), Decimal(0))


def fingerprint(items: Sequence[Item], ship_to: Address, payment_method: str) -> str:
    """Tell two requests apart that come with one Idempotency-Key."""
    request = [items, ship_to.model_dump(), payment_method]
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _refuse(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise InvalidOrder(*found)


def _about_length(items: Sequence[Item]) -> Iterator[Problem]:
    most = settings.SHOP_MAX_ORDER_LINES
    if not items:
        yield Problem(("lines",), "The order is empty: add at least one line.", "empty")
    if len(items) > most:
        text = f"The order has {len(items)} lines: split it into orders of at most {most}."
        yield Problem(("lines",), text, "max_length")


def _about_quantities(items: Sequence[Item]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        if not 1 <= item.quantity <= MAX_QUANTITY:
            text = f"Order between 1 and {MAX_QUANTITY} of {item.sku}."
            yield Problem(("lines", index, "quantity"), text, "quantity_out_of_range")


def _about_duplicates(items: Sequence[Item]) -> Iterator[Problem]:
    seen: Counter[str] = Counter()
    for index, item in enumerate(items):
        if seen[item.sku]:
            text = f"{item.sku} stands in an earlier line: add the quantities up in one line."
            yield Problem(("lines", index, "sku"), text, "duplicate_sku")
        seen[item.sku] += 1


def _about_address(ship_to: Address) -> Iterator[Problem]:
    for name, limit in ADDRESS_LIMITS.items():
        if not 0 < len(getattr(ship_to, name).strip()) <= limit:
            text = f"Say the {name.replace('_', ' ')} in 1 to {limit} characters."
            yield Problem(("ship_to", name), text, "length")
    if ship_to.country not in COUNTRIES:
        text = f"{ship_to.country} is no country: use its ISO 3166-1 alpha-2 code, as in DE."
        yield Problem(("ship_to", "country"), text, "unknown_country")


def _about_payment(payment_method: str) -> Iterator[Problem]:
    if not 0 < len(payment_method) <= MAX_PAYMENT_METHOD:
        yield Problem(("payment_method",), "Give the payment provider's token, as in pm_card_visa.", "length")
    elif sum(map(str.isdigit, payment_method)) == len(payment_method.replace(" ", "").replace("-", "")):
        text = "This looks like a card number: give the payment provider's token instead, as in pm_card_visa."
        yield Problem(("payment_method",), text, "card_number")


def _about_products(items: Sequence[Item], offers: Mapping[str, Offer]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        offer = offers.get(item.sku)
        if offer is None:
            text = f"There is no product {item.sku}: look the SKU up in the catalogue."
            yield Problem(("lines", index, "sku"), text, "unknown_sku")
        elif not offer.active:
            text = f"{offer.name} ({item.sku}) is not sold any more: remove the line."
            yield Problem(("lines", index, "sku"), text, "inactive_sku")


def _about_money(items: Sequence[Item], offers: Mapping[str, Offer]) -> Iterator[Problem]:
    currencies = sorted({offers[item.sku].currency for item in items})
    if len(currencies) > 1:
        text = f"The lines are priced in {' and '.join(currencies)}: place one order per currency."
        yield Problem(("lines",), text, "mixed_currencies")
    elif total_of(items, offers) > MAX_TOTAL:
        yield Problem(("lines",), "The order is too expensive: split it into several.", "total_too_large")
