"""Intake: order requests, the rules by which they are accepted, and the problems of a refused one."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.translation import gettext
from pydantic import BaseModel

from orders.addresses import is_placeholder, rules_of
from orders.countries import COUNTRIES
from orders.errors import InvalidOrder, Problem
from orders.events import Address
from shop.currencies import fits
from shop.visible import is_visible

#: The most of one product in one order.
MAX_QUANTITY = 10_000
#: The largest total that events hold, more than most orders' lines can add up to.
MAX_TOTAL = Decimal("999999999999999.9999")
#: The most characters of each part of an address.
ADDRESS_LIMITS = {
    "name": 120,
    "street": 200,
    "second_line": 200,
    "city": 100,
    "region": 100,
    "postal_code": 20,
    "phone": 40,
}
#: Parts of every address, whatever the country.
ALWAYS = frozenset({"name", "street"})
MAX_PAYMENT_METHOD = 100


class Item(NamedTuple):
    """A quantity of one product, as a customer asks for it."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class OrderRequest:
    """An order as a customer asks for it.

    Every field is part of the fingerprint. A field that is added later needs a default, and only another
    value changes the fingerprint: requests from before keep theirs.
    """

    lines: Sequence[tuple[str, int]]
    ship_to: Address
    #: The payment provider's token.
    payment_method: str
    #: After a decline the customer may pay by other means; otherwise a decline ends the order.
    retry_payment: bool = False

    @cached_property
    def items(self) -> list[Item]:
        """Return the lines as items."""
        return [Item(*line) for line in self.lines]

    @property
    def skus(self) -> list[str]:
        """Return the SKUs of the lines, in their order."""
        return [sku for sku, _ in self.lines]

    @cached_property
    def fingerprint(self) -> str:
        """Return a digest that tells this request from any other one under the same Idempotency-Key."""
        required = [_plain(getattr(self, field.name)) for field in fields(self) if field.default is MISSING]
        optional = [
            {field.name: _plain(value)}
            for field in fields(self)
            if field.default is not MISSING and (value := getattr(self, field.name)) != field.default
        ]
        return hashlib.sha256(json.dumps([*required, *optional], sort_keys=True).encode()).hexdigest()


class Offer(Protocol):
    """A product as the catalogue offers it."""

    @property
    def name(self) -> str:
        """Return the name that customers read."""
        ...

    @property
    def unit_price(self) -> Decimal:
        """Return the price of one piece."""
        ...

    @property
    def currency(self) -> str:
        """Return the ISO 4217 code of the price."""
        ...

    @property
    def active(self) -> bool:
        """Tell whether the product can be ordered."""
        ...


def check_request(request: OrderRequest, *, unknown_address: bool = False) -> None:
    """Raise :class:`InvalidOrder` if the request is not well-formed, whatever the catalogue says."""
    items = request.items
    _refuse(_about_length(items))
    lines = [*_about_quantities(items), *_about_duplicates(items)]
    address = _about_address(request.ship_to, unknown_address)
    _refuse([*lines, *address, *_about_payment(request.payment_method)])


def check_address(address: Address) -> None:
    """Raise :class:`InvalidOrder` if an address is not well-formed."""
    _refuse(_about_address(address, False))


def check_payment_method(payment_method: str) -> None:
    """Raise :class:`InvalidOrder` if a token is not well-formed."""
    _refuse(_about_payment(payment_method))


def check_offers(request: OrderRequest, offers: Mapping[str, Offer]) -> None:
    """Raise :class:`InvalidOrder` if the catalogue cannot serve the request."""
    _refuse(_about_products(request.items, offers))
    _refuse(_about_prices(request.items, offers))
    _refuse(_about_money(request.items, offers))


def total_of(items: Iterable[Item], offers: Mapping[str, Offer]) -> Decimal:
    """Return the price of all items together."""
    return sum((item.quantity * offers[item.sku].unit_price for item in items), Decimal(0))


def _plain(value: Any) -> Any:
    """Return a value for the fingerprint; parts that are younger than the first release count if given."""
    return value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else value


def _refuse(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise InvalidOrder(*found)


def _about_length(items: Sequence[Item]) -> Iterator[Problem]:
    most = settings.SHOP_MAX_ORDER_LINES
    if not items:
        yield Problem(("lines",), gettext("The order is empty: add at least one line."), "empty")
    if len(items) > most:
        text = gettext("The order has {number} lines: split it into orders of at most {most}.").format(
            number=len(items), most=most
        )
        yield Problem(("lines",), text, "max_length")


def _about_quantities(items: Sequence[Item]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        if not 1 <= item.quantity <= MAX_QUANTITY:
            text = gettext("Order between 1 and {max_quantity} of {sku}.").format(
                max_quantity=MAX_QUANTITY, sku=item.sku
            )
            yield Problem(("lines", index, "quantity"), text, "quantity_out_of_range")


def _about_duplicates(items: Sequence[Item]) -> Iterator[Problem]:
    seen: Counter[str] = Counter()
    for index, item in enumerate(items):
        if seen[item.sku]:
            text = gettext("{sku} stands in an earlier line: add the quantities up in one line.").format(
                sku=item.sku
            )
            yield Problem(("lines", index, "sku"), text, "duplicate_sku")
        seen[item.sku] += 1


def _about_address(ship_to: Address, may_be_unknown: bool) -> Iterator[Problem]:
    if is_placeholder(ship_to) and not may_be_unknown:
        text = gettext(
            "Say the street: this one stands for an unknown address, which an import alone may have."
        )
        yield Problem(("ship_to", "street"), text, "placeholder_address")
    required = _required_parts(ship_to)
    for name, limit in ADDRESS_LIMITS.items():
        text = getattr(ship_to, name).strip()
        if len(text) > limit or ((name in required or text) and not is_visible(text)):
            words = gettext("Say the {part} in 1 to {limit} characters.").format(
                part=rules_of(ship_to.country).name_of(name), limit=limit
            )
            yield Problem(("ship_to", name), words, "length")
    if ship_to.country not in COUNTRIES:
        text = gettext("{country} is no country: use its ISO 3166-1 alpha-2 code, as in DE.").format(
            country=ship_to.country
        )
        yield Problem(("ship_to", "country"), text, "unknown_country")
    yield from _about_region(ship_to)
    yield from _about_phone(ship_to)


def _required_parts(ship_to: Address) -> frozenset[str]:
    """Return the parts that the address needs in its country; a marked placeholder needs no others."""
    if is_placeholder(ship_to):
        return ALWAYS
    rules = rules_of(ship_to.country)
    needs_city = rules.city_or_region and not is_visible(ship_to.region)
    return ALWAYS | rules.required | ({"city"} if needs_city else set())


def _about_region(ship_to: Address) -> Iterator[Problem]:
    rules = rules_of(ship_to.country)
    if is_visible(ship_to.region) and not rules.has_region(ship_to.region):
        name = rules.name_of("region")
        text = gettext("There is no {part} {given} there: use its code or name.").format(
            part=name, given=ship_to.region[:40]
        )
        yield Problem(("ship_to", "region"), text, "unknown_region")


def _about_phone(ship_to: Address) -> Iterator[Problem]:
    if ship_to.phone and not any(map(str.isdigit, ship_to.phone)):
        text = gettext("This is no telephone number: write its digits, as in +1 555 010 0199.")
        yield Problem(("ship_to", "phone"), text, "invalid_phone")


def _about_payment(payment_method: str) -> Iterator[Problem]:
    if not 0 < len(payment_method) <= MAX_PAYMENT_METHOD:
        yield Problem(
            ("payment_method",), gettext("Give the payment provider's token, as in pm_card_visa."), "length"
        )
    elif sum(map(str.isdigit, payment_method)) == len(payment_method.replace(" ", "").replace("-", "")):
        text = gettext(
            "This looks like a card number: give the payment provider's token instead, as in pm_card_visa."
        )
        yield Problem(("payment_method",), text, "card_number")


def _about_products(items: Sequence[Item], offers: Mapping[str, Offer]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        offer = offers.get(item.sku)
        if offer is None:
            text = gettext("There is no product {sku}: look the SKU up in the catalogue.").format(
                sku=item.sku
            )
            yield Problem(("lines", index, "sku"), text, "unknown_sku")
        elif not offer.active:
            text = gettext("{name} ({sku}) is not sold any more: remove the line.").format(
                name=offer.name, sku=item.sku
            )
            yield Problem(("lines", index, "sku"), text, "inactive_sku")


def _about_prices(items: Sequence[Item], offers: Mapping[str, Offer]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        offer = offers[item.sku]
        if not fits(offer.unit_price, offer.currency):
            text = gettext("{name} ({sku}) has no valid price: remove the line.").format(
                name=offer.name, sku=item.sku
            )
            yield Problem(("lines", index, "sku"), text, "invalid_price")


def _about_money(items: Sequence[Item], offers: Mapping[str, Offer]) -> Iterator[Problem]:
    currencies = sorted({offers[item.sku].currency for item in items})
    if len(currencies) > 1:
        text = gettext("The lines are priced in {currencies}: place one order per currency.").format(
            currencies=" and ".join(currencies)
        )
        yield Problem(("lines",), text, "mixed_currencies")
    elif total_of(items, offers) > MAX_TOTAL:
        yield Problem(
            ("lines",), gettext("The order is too expensive: split it into several."), "total_too_large"
        )
