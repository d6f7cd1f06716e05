"""Import plan of invoices: products, orders, cancellations, and remarks on all other lines."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dev.invoices.countries import code_of
from dev.invoices.reader import Invoice, Line
from dev.invoices.remarks import Outcome, Remark, Remarks

CURRENCY = "GBP"
#: Stock codes that are no goods: postage, carriage, manual entries, discounts, samples, fees.
NO_GOODS = {"POST", "DOT", "C2", "M", "D", "S", "B", "CRUK", "PADS", "AMAZONFEE", "BANK CHARGES"}
_SKU = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")
_LONGEST_NAME = 200

#: A customer number that fits into a user name and an e-mail address.
_CUSTOMER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: The most of one product in one order, and the highest price and stock: limits of the shop.
MAX_QUANTITY = 10_000
MAX_PRICE = Decimal("9999999999.99")
MAX_STOCK = 2_147_483_647
#: Kind of the remarks that the prices of the shop replace.
ANOTHER_PRICE = "ordered at another price"


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

    #: Number of the lines, readable or not.
    lines: int = 0
    remarks: Remarks = field(default_factory=Remarks)
    orders: list[PlannedOrder] = field(default_factory=list)
    products: list[PlannedProduct] = field(default_factory=list)

    @property
    def customers(self) -> list[str]:
        return sorted({order.customer for order in self.orders})

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of lines by outcome; they add up to all lines."""
        changed, left_out = map(self.remarks.count, (Outcome.CHANGED, Outcome.LEFT_OUT))
        return {"as it stands": self.lines - changed - left_out, "changed": changed, "left out": left_out}


def make_plan(invoices: Sequence[Invoice], remarks: Sequence[Remark] = ()) -> Plan:
    """Plan the import of ``invoices``. Every line becomes part of an order, a cancellation or a remark."""
    count = sum(len(invoice.lines) for invoice in invoices) + len(remarks)
    plan = Plan(count, Remarks(remarks))
    for invoice in invoices:
        lines = [line for line in invoice.lines if _is_usable(line, invoice, plan)]
        if not lines:
            continue
        if invoice.is_cancellation:
            _plan_cancellation(invoice, lines, plan)
        else:
            _plan_order(invoice, lines, plan)
    plan.products = _products(plan.orders)
    _remark_prices(plan)
    return plan


def _is_usable(line: Line, invoice: Invoice, plan: Plan) -> bool:
    """Return True if the line can be imported; otherwise add a remark."""
    problem = _problem_of(line, invoice)
    if problem:
        plan.remarks.leave_out([line], *problem)
    return not problem


def _problem_of(line: Line, invoice: Invoice) -> tuple[str, str] | None:
    """Return the reason against importing a line, and its kind."""
    return (
        _problem_of_customer(line, invoice)
        or _problem_of_goods(line)
        or _problem_of_sale(line, is_cancellation=invoice.is_cancellation)
    )


def _problem_of_customer(line: Line, invoice: Invoice) -> tuple[str, str] | None:
    if not line.customer:
        return "it names no customer", "no customer"
    if line.customer != invoice.lines[0].customer:
        return "it names another customer than its invoice", "no customer"
    if not _CUSTOMER.fullmatch(line.customer):
        return f"{line.customer[:40]!r} cannot be a customer's number", "no customer"
    if not code_of(line.country):
        return f"{line.country[:40] or 'nowhere'!r} is no country", "no country"
    return None


def _problem_of_goods(line: Line) -> tuple[str, str] | None:
    if line.sku in NO_GOODS:
        return f"{line.description or line.sku} is no product", "no goods"
    if not _SKU.fullmatch(line.sku):
        return f"{line.sku[:80]!r} cannot be a SKU", "no goods"
    return None


def _problem_of_sale(line: Line, *, is_cancellation: bool) -> tuple[str, str] | None:
    if line.quantity == 0 or (line.quantity < 0) != is_cancellation:
        return f"a quantity of {line.quantity} is no sale", "no sale"
    if line.quantity > MAX_QUANTITY:
        return f"a quantity of {line.quantity} is more than an order may have", "too much"
    if line.price <= 0:
        return f"a price of {line.stated_price} is no sale", "no sale"
    if line.price > MAX_PRICE:
        return f"a price of {line.price} is more than a product may cost", "too much"
    return None


def _plan_order(invoice: Invoice, lines: list[Line], plan: Plan) -> None:
    first = lines[0]
    order = PlannedOrder(invoice.number, first.customer, code_of(first.country), lines)
    plan.orders.append(order)
    for line in lines:
        if code_of(line.country) != order.country:
            why = f"sent to {first.country}, as the invoice says before, instead of {line.country}"
            plan.remarks.change(line, why, "sent to another country")
        if line.price != line.stated_price:
            why = f"the price is rounded to {line.price} from {line.stated_price}"
            plan.remarks.change(line, why, "rounded price")


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
        plan.remarks.leave_out(lines, why, "cancels a part of an order")
    else:
        why = "no earlier invoice of the file sold this"
        plan.remarks.leave_out(lines, why, "cancels what was sold before")


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
    return PlannedProduct(sku, name, price, min(MAX_STOCK, sum(line.quantity for line in lines)))


def _remark_prices(plan: Plan) -> None:
    prices = {product.sku: product.price for product in plan.products}
    for order in plan.orders:
        for line in order.lines:
            if line.price != prices[line.sku]:
                why = f"ordered at the catalogue's price of {prices[line.sku]} instead of {line.price}"
                plan.remarks.change(line, why, ANOTHER_PRICE)
