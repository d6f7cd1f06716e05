"""``script/run --import``: orders from real invoices, and a report on every line that is not imported."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from dev.console import out
from dev.errors import ScriptError
from dev.invoices.plan import CURRENCY, Plan, PlannedOrder, make_plan
from dev.invoices.reader import Remark, read_invoices
from dev.load import accounts
from dev.load.api import Api
from dev.load.generator import CustomerOrder
from dev.paths import VAR, make_private_file
from dev.run.progress import place_and_follow
from dev.run.summary import show_summary
from dev.stack import Stack

REPORT = VAR / "import-report.csv"


def plan_import(file: Path, limit: int | None) -> Plan:
    """Plan the import of ``file``. Raises ScriptError if none of its invoices can become an order."""
    plan = make_plan(*read_invoices(file, limit))
    if not plan.orders:
        write_report(plan.remarks)
        raise ScriptError(f"no invoice of {file} can become an order; {REPORT} says why, line by line.")
    return plan


def import_orders(stack: Stack, plan: Plan, *, source: str, rate: float) -> bool:
    """Execute the plan and follow each order to its end; True if the audit holds afterwards."""
    _show_plan(plan)
    tokens = accounts.provide(
        stack,
        products=[_product(product) for product in plan.products],
        customers={_username(customer): f"Customer {customer}" for customer in plan.customers},
        reason=f"for the import of {source}",
    )
    orders = [_customer_order(planned, tokens) for planned in plan.orders]
    place_and_follow(stack, Api(stack.port), orders, rate=rate)
    remarks = sorted([*plan.remarks, *_refusals(plan, orders)], key=lambda remark: remark.line)
    _show_outcomes(orders)
    _show_remarks(remarks)
    write_report(remarks)
    return show_summary(stack, orders)


def write_report(remarks: Sequence[Remark]) -> None:
    """Write all remarks to the CSV report."""
    text = io.StringIO(newline="")
    report = csv.writer(text)
    report.writerow(["line", "invoice", "stock code", "kind", "why"])
    report.writerows([r.line, r.invoice, r.sku, r.kind, r.why] for r in remarks)
    make_private_file(REPORT, text.getvalue())


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
        "street": "1 Unknown Street",
        "city": "Unknown",
        "postal_code": "0",
        "country": planned.country,
    }
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in planned.quantities.items()]
    return CustomerOrder(
        label=planned.invoice,
        token=tokens[_username(planned.customer)],
        body={"lines": lines, "payment_method": "pm_card_visa", "ship_to": address},
        idempotency_key=f"invoice-{planned.invoice}",
        # The file has no times. An immediate cancellation has the best chance to precede the shipment.
        cancel_after="" if planned.cancelled_by else None,
    )


def _refusals(plan: Plan, orders: Sequence[CustomerOrder]) -> list[Remark]:
    """Return a remark for each invoice line that the shop refused."""
    refused = Plan()
    for planned, order in zip(plan.orders, orders, strict=True):
        if order.refusal:
            refused.remark(planned.lines, f"the shop refused the order: {order.refusal}", "refused")
        if order.cancel_refusal and planned.cancelled_by:
            why = f"the shop refused the cancellation: {order.cancel_refusal}"
            refused.remark(planned.cancelled_by.lines, why, "cancellation refused")
    return refused.remarks


def _show_plan(plan: Plan) -> None:
    cancelled = sum(order.cancelled_by is not None for order in plan.orders)
    out.print(
        f"{len(plan.orders)} orders of {len(plan.customers)} customers for {len(plan.products)} products, "
        f"{cancelled} of them cancelled; {len(plan.remarks)} lines with remarks"
    )


def _show_outcomes(orders: Sequence[CustomerOrder]) -> None:
    table = Table("outcome", "orders", title="Outcomes", title_justify="left")
    for outcome, count in Counter(order.outcome for order in orders).most_common():
        table.add_row(outcome, str(count))
    out.print(table)


def _show_remarks(remarks: Sequence[Remark]) -> None:
    table = Table("kind", "lines", "for example", title="Remarks", title_justify="left")
    for kind, count in Counter(remark.kind for remark in remarks).most_common():
        example = next(remark for remark in remarks if remark.kind == kind)
        table.add_row(kind, str(count), f"line {example.line}, invoice {example.invoice}: {example.why}")
    out.print(table)
    out.print(f"Every remark, line by line: {REPORT}")
