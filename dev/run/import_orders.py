"""``script/run --import``: real invoices become orders; what cannot is reported line by line."""

import csv
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
from dev.load.generator import Wish
from dev.paths import VAR
from dev.run.progress import see_through
from dev.run.summary import show_verdict
from dev.stack import Stack

REPORT = VAR / "import-report.csv"


def plan_import(file: Path, limit: int | None) -> Plan:
    """Read the invoices of ``file``; an error if none of them can become an order."""
    plan = make_plan(*read_invoices(file, limit))
    if not plan.orders:
        write_report(plan.remarks)
        raise ScriptError(f"no invoice of {file} can become an order; {REPORT} says why, line by line.")
    return plan


def import_orders(stack: Stack, plan: Plan, *, source: str, rate: float) -> bool:
    """Do what is planned and see each order through; True if the audit holds afterwards."""
    _show_plan(plan)
    tokens = accounts.provide(
        stack,
        products=[_product(product) for product in plan.products],
        customers={_username(customer): f"Customer {customer}" for customer in plan.customers},
        reason=f"for the import of {source}",
    )
    wishes = [_wish(order, tokens) for order in plan.orders]
    see_through(stack, Api(stack.port), wishes, rate=rate)
    remarks = sorted([*plan.remarks, *_refusals(plan.orders, wishes)], key=lambda remark: remark.line)
    _show_outcomes(wishes)
    _show_remarks(remarks)
    write_report(remarks)
    return show_verdict(stack, wishes)


def write_report(remarks: Sequence[Remark]) -> None:
    """Write every remark, one a line, for somebody who goes through them."""
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("w", newline="") as file:
        report = csv.writer(file)
        report.writerow(["line", "invoice", "stock code", "kind", "why"])
        report.writerows([r.line, r.invoice, r.sku, r.kind, r.why] for r in remarks)


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


def _wish(order: PlannedOrder, tokens: dict[str, str]) -> Wish:
    """The order as its customer would place it. The file knows no addresses, only countries."""
    address = {
        "name": f"Customer {order.customer}",
        "street": "1 Unknown Street",
        "city": "Unknown",
        "postal_code": "0",
        "country": order.country,
    }
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.quantities.items()]
    return Wish(
        label=order.invoice,
        token=tokens[_username(order.customer)],
        body={"lines": lines, "payment_method": "pm_card_visa", "ship_to": address},
        idempotency_key=f"invoice-{order.invoice}",
        # The file has no times. At once is the customer's best chance to be quicker than the parcel.
        cancel_after="" if order.cancelled_by else None,
    )


def _refusals(orders: Sequence[PlannedOrder], wishes: Sequence[Wish]) -> list[Remark]:
    """What the shop did not accept, as remarks on each line concerned."""
    refused = Plan()
    for order, wish in zip(orders, wishes, strict=True):
        if wish.refusal:
            refused.remark(order.lines, f"the shop refused the order: {wish.refusal}", "refused")
        if wish.cancel_refusal and order.cancelled_by:
            why = f"the shop refused the cancellation: {wish.cancel_refusal}"
            refused.remark(order.cancelled_by.lines, why, "cancellation refused")
    return refused.remarks


def _show_plan(plan: Plan) -> None:
    cancelled = sum(order.cancelled_by is not None for order in plan.orders)
    out.print(
        f"{len(plan.orders)} orders of {len(plan.customers)} customers for {len(plan.products)} products, "
        f"{cancelled} of them cancelled; {len(plan.remarks)} lines with remarks"
    )


def _show_outcomes(wishes: Sequence[Wish]) -> None:
    table = Table("outcome", "orders", title="Outcomes", title_justify="left")
    for outcome, count in Counter(wish.outcome for wish in wishes).most_common():
        table.add_row(outcome, str(count))
    out.print(table)


def _show_remarks(remarks: Sequence[Remark]) -> None:
    table = Table("kind", "lines", "for example", title="Remarks", title_justify="left")
    for kind, count in Counter(remark.kind for remark in remarks).most_common():
        example = next(remark for remark in remarks if remark.kind == kind)
        table.add_row(kind, str(count), f"line {example.line}, invoice {example.invoice}: {example.why}")
    out.print(table)
    out.print(f"Every remark, line by line: {REPORT}")
