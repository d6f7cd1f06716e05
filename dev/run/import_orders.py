"""``script/run --import``: orders from real invoices, and a report on all other lines."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.table import Table

from dev.console import out
from dev.errors import ScriptError
from dev.invoices.plan import ANOTHER_PRICE, CURRENCY, Plan, PlannedOrder, make_plan
from dev.invoices.reader import read_invoices
from dev.load import accounts
from dev.load.api import Api
from dev.load.generator import CustomerOrder
from dev.run.import_report import REPORT, show_remarks, write_report
from dev.run.progress import place_and_follow
from dev.run.summary import show_summary
from dev.stack import Stack

#: Street and city of an address that is not known. The keys of an import alone may send it.
UNKNOWN = "(unknown)"
#: The longest invoice number that is sent as it is.
_LONGEST_KEY = 100


@contextmanager
def planned_import(file: Path | None, limit: int | None) -> Iterator[Plan | None]:
    """Plan the import of ``file``, if there is one, and write the report however the block ends.

    Raises ScriptError if none of its invoices can become an order.
    """
    if file is None:
        yield None
        return
    plan = Plan()
    try:
        plan = make_plan(*read_invoices(file, limit))
        if not plan.orders:
            raise ScriptError(f"no invoice of {file} can become an order; {REPORT} says why, line by line.")
        yield plan
    finally:
        write_report(plan.remarks)


def import_orders(stack: Stack, plan: Plan, *, source: str, rate: float) -> bool:
    """Execute the plan and follow each order to its end; True if the audit holds afterwards."""
    _show_plan(plan)
    orders: list[CustomerOrder] = []
    try:
        tokens = accounts.provide(
            stack,
            products=[_product(product) for product in plan.products],
            customers={_username(customer): f"Customer {customer}" for customer in plan.customers},
            reason=f"for the import of {source}",
            unknown_addresses=True,
        )
        orders += [_customer_order(planned, tokens) for planned in plan.orders]
        place_and_follow(stack, Api(stack.port), orders, rate=rate)
    finally:
        note_outcomes(plan, orders)
    _show_outcomes(orders)
    show_remarks(plan)
    return show_summary(stack, orders)


def note_outcomes(plan: Plan, orders: Sequence[CustomerOrder]) -> None:
    """Remark on lines that the shop refused, priced otherwise, or did not get."""
    plan.remarks.withdraw(ANOTHER_PRICE)
    for place, planned in enumerate(plan.orders):
        order = orders[place] if place < len(orders) else None
        _note_lines(plan, planned, order)
        if planned.cancelled_by and (problem := _why_not_cancelled(order)):
            plan.remarks.leave_out(planned.cancelled_by.lines, *problem)


def _note_lines(plan: Plan, planned: PlannedOrder, order: CustomerOrder | None) -> None:
    if order is None or not (order.number or order.refusal):
        plan.remarks.leave_out(planned.lines, "the import ended before it was ordered", "not ordered")
    elif order.refusal:
        why = f"the shop refused the order: {order.refusal}"
        plan.remarks.leave_out(planned.lines, why, "refused")
    else:
        _note_prices(plan, planned, order)


def _note_prices(plan: Plan, planned: PlannedOrder, order: CustomerOrder) -> None:
    prices = {line["sku"]: line["unit_price"] for line in order.lines}
    for line in planned.lines:
        price = prices[line.sku]
        if (Decimal(price["amount"]), price["currency"]) != (line.price, CURRENCY):
            catalogue = f"{price['amount']} {price['currency']}"
            why = f"ordered at the catalogue's price of {catalogue} instead of {line.price} {CURRENCY}"
            plan.remarks.change(line, why, ANOTHER_PRICE)


def _why_not_cancelled(order: CustomerOrder | None) -> tuple[str, str] | None:
    """Return the reason why an order is not cancelled as its invoice is, and its kind."""
    if order is None or not order.number:
        return "the order that it takes back was not placed", "cancels what was not ordered"
    if order.cancel_refusal:
        return f"the shop refused the cancellation: {order.cancel_refusal}", "cancellation refused"
    if not order.status:
        return "the import ended before the cancellation was decided", "cancellation undecided"
    if order.status != "cancelled":
        return f"the cancellation came too late: the order is {order.outcome}", "cancelled too late"
    return None


def _username(customer: str) -> str:
    return f"customer-{customer}"


def _product(product: Any) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "name": product.name,
        "price": str(product.price),
        "currency": CURRENCY,
        "needed": product.needed,
    }


def _customer_order(planned: PlannedOrder, tokens: dict[str, str]) -> CustomerOrder:
    """Return the order as its customer would place it. Of the address only the country is known."""
    address = {
        "name": f"Customer {planned.customer}",
        "street": UNKNOWN,
        "city": UNKNOWN,
        "country": planned.country,
    }
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in planned.quantities.items()]
    return CustomerOrder(
        label=planned.invoice,
        token=tokens[_username(planned.customer)],
        body={"lines": lines, "payment_method": "pm_card_visa", "ship_to": address},
        idempotency_key=_idempotency_key(planned.invoice),
        # The file has no times. An immediate cancellation has the best chance to precede the shipment.
        cancel_after="" if planned.cancelled_by else None,
    )


def _idempotency_key(invoice: str) -> str:
    """Return the key of an invoice. A header takes short texts of ASCII; others are hashed."""
    if not (invoice.isascii() and invoice.isprintable() and len(invoice) <= _LONGEST_KEY):
        invoice = hashlib.sha256(invoice.encode()).hexdigest()
    return f"invoice-{invoice}"


def _show_plan(plan: Plan) -> None:
    cancelled = sum(order.cancelled_by is not None for order in plan.orders)
    out.print(
        f"{len(plan.orders)} orders of {len(plan.customers)} customers for {len(plan.products)} products, "
        f"{cancelled} of them cancelled; {len(plan.remarks)} of {plan.lines} lines with remarks"
    )


def _show_outcomes(orders: Sequence[CustomerOrder]) -> None:
    table = Table("outcome", "orders", title="Outcomes", title_justify="left")
    for outcome, count in Counter(order.outcome for order in orders).most_common():
        table.add_row(outcome, str(count))
    out.print(table)
