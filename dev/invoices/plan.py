"""Import plan of invoices: products, orders, cancellations, and remarks on all other lines."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dev.invoices.reader import Invoice, Line, Remark

CURRENCY = "GBP"
#: Stock codes that are no goods: postage, carriage, manual entries, discounts, samples, fees.
NO_GOODS = {"POST", "DOT", "C2", "M", "D", "S", "B", "CRUK", "PADS", "AMAZONFEE", "BANK CHARGES"}
_SKU = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")
_LONGEST_NAME = 200

#: Country name in the invoices -> ISO 3166-1 alpha-2.
COUNTRIES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Channel Islands": "JE",
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
}


@dataclass(frozen=True)
class PlannedProduct:
    """A product of the invoices, with the quantity that the orders need."""

    sku: str
    name: str
    price: Decimal
    needed: int


@dataclass
class PlannedOrder:
    """An invoice that becomes an order."""

    invoice: str
    customer: str
    country: str
    lines: list[Line]
    #: The invoice that takes it back, if any.
    cancelled_by: Invoice | None = None

    @property
    def quantities(self) -> Counter[str]:
        """SKU -> quantity. An order has one line for each product."""
        return _quantities(self.lines)


@dataclass
class Plan:
    """The content of an import, and remarks on the lines that it leaves out or changes."""

    remarks: list[Remark] = field(default_factory=list)
    orders: list[PlannedOrder] = field(default_factory=list)
    products: list[PlannedProduct] = field(default_factory=list)

    @property
    def customers(self) -> list[str]:
        return sorted({order.customer for order in self.orders})

    def remark(self, lines: Iterable[Line], why: str, kind: str) -> None:
        """Add the same remark on each of ``lines``."""
        self.remarks += [Remark(line.number, line.invoice, line.sku, why, kind) for line in lines]


def make_plan(invoices: Sequence[Invoice], remarks: Sequence[Remark] = ()) -> Plan:
    """Plan the import of ``invoices``. Every line becomes part of an order, a cancellation or a remark."""
    plan = Plan(remarks=list(remarks))
    for invoice in invoices:
        lines = [line for line in invoice.lines if _is_usable(line, invoice, plan)]
        if not lines:
            continue
        if invoice.is_cancellation:
            _plan_cancellation(invoice, lines, plan)
        else:
            plan.orders.append(
                PlannedOrder(invoice.number, lines[0].customer, COUNTRIES[lines[0].country], lines)
            )
    plan.products = _products(plan.orders)
    _remark_prices(plan)
    return plan


def _is_usable(line: Line, invoice: Invoice, plan: Plan) -> bool:
    """Return True if the line can be imported; otherwise add a remark."""
    problem = _problem_of(line, invoice)
    if problem:
        plan.remark([line], *problem)
    return not problem


def _problem_of(line: Line, invoice: Invoice) -> tuple[str, str] | None:
    """Return the reason against importing a line, and its kind."""
    if not line.customer:
        return "it names no customer", "no customer"
    if line.customer != invoice.lines[0].customer:
        return "it names another customer than its invoice", "no customer"
    if line.sku in NO_GOODS:
        return f"{line.description or line.sku} is no product", "no goods"
    if not _SKU.fullmatch(line.sku):
        return f"{line.sku!r} cannot be a SKU", "no goods"
    if line.country not in COUNTRIES:
        return f"{line.country or 'nowhere'!r} is no country", "no country"
    if line.quantity == 0 or (line.quantity < 0) != invoice.is_cancellation:
        return f"a quantity of {line.quantity} is no sale", "no sale"
    if line.price <= 0:
        return f"a price of {line.price} is no sale", "no sale"
    return None


def _plan_cancellation(invoice: Invoice, lines: list[Line], plan: Plan) -> None:
    """Cancel the order with the same quantities; an order cannot be cancelled in part."""
    earlier = [order for order in reversed(plan.orders) if order.customer == lines[0].customer]
    open_orders = [order for order in earlier if not order.cancelled_by]
    wanted = _quantities(lines)
    for order in open_orders:
        if order.quantities == wanted:
            order.cancelled_by = invoice
            return
    part_of = next((order for order in open_orders if order.quantities >= wanted), None)
    if part_of:
        why = f"it takes back a part of invoice {part_of.invoice}, but an order is cancelled as a whole"
        plan.remark(lines, why, "cancels a part of an order")
    else:
        plan.remark(lines, "no earlier invoice of the file sold this", "cancels what was sold before")


def _quantities(lines: Iterable[Line]) -> Counter[str]:
    quantities: Counter[str] = Counter()
    for line in lines:
        quantities[line.sku] += abs(line.quantity)
    return quantities


def _products(orders: Sequence[PlannedOrder]) -> list[PlannedProduct]:
    """Return each product with its most frequent name and price."""
    by_sku: defaultdict[str, list[Line]] = defaultdict(list)
    for order in orders:
        for line in order.lines:
            by_sku[line.sku].append(line)
    return [_product(sku, lines) for sku, lines in sorted(by_sku.items())]


def _product(sku: str, lines: list[Line]) -> PlannedProduct:
    names = Counter(line.description[:_LONGEST_NAME] for line in lines if line.description)
    name = names.most_common(1)[0][0] if names else sku
    price = Counter(line.price for line in lines).most_common(1)[0][0]
    return PlannedProduct(sku, name, price, sum(line.quantity for line in lines))


def _remark_prices(plan: Plan) -> None:
    prices = {product.sku: product.price for product in plan.products}
    for order in plan.orders:
        for line in order.lines:
            if line.price != prices[line.sku]:
                why = f"ordered at the catalogue's price of {prices[line.sku]} instead of {line.price}"
                plan.remark([line], why, "ordered at another price")
