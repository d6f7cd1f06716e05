"""``script/run --orders``: orders of all scenarios, with their expected and actual outcomes."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from dev.console import out
from dev.errors import ScriptError
from dev.load import accounts, scenarios
from dev.load.api import Api
from dev.load.generator import CustomerOrder
from dev.run.progress import place_and_follow
from dev.run.staff import Staff
from dev.run.summary import show_summary
from dev.stack import Stack

#: Customers of these orders alone: no limit holds for them.
CUSTOMERS = {
    "shopper1": "Ann Shopper",
    "shopper2": "Ben Shopper",
    "shopper3": "Cleo Shopper",
    # The simulated mailbox of this name is closed: the first mail comes back, and others are withheld.
    "returned": "Dan Shopper",
}
_SCENARIOS = (*scenarios.SCENARIOS, *scenarios.WITH_STAFF)
#: Number of products to order from.
_PRODUCT_COUNT = 20


def place_mixed_orders(stack: Stack, *, count: int, seed: int, rate: float) -> bool:
    """Place and follow ``count`` orders and print their outcomes; True if all are as expected."""
    api, chosen = Api(stack.port), scenarios.draw(count, seed, _SCENARIOS)
    staff = Staff(api, stack.token_of("operator"))
    products = api.get(f"/api/v1/products?page_size={_PRODUCT_COUNT}")["results"]
    if not products:
        raise ScriptError("the catalogue is empty: there is nothing to order.")
    special = {scenarios.SOLD_OUT_SKU, scenarios.PRE_ORDER_SKU}
    skus = sorted(product["sku"] for product in products if product["sku"] not in special)
    tokens = accounts.provide(
        stack, products=_stock(skus, count), customers=CUSTOMERS, reason=f"for {count} demonstration orders"
    )
    orders = scenarios.orders_for(
        chosen, skus=skus, tokens=sorted(tokens.values()), seed=seed, run=secrets.token_hex(8)
    )
    place_and_follow(stack, api, orders, rate=rate, receive_goods=staff.receive_goods)
    staff.look_after(orders)
    as_expected = show_outcomes(chosen, orders)
    return show_summary(stack, orders) and as_expected


def _stock(skus: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Return products with enough stock, and two without any, one of which can be ordered ahead."""
    none = {"price": "9.90", "currency": "", "needed": 0}
    sold_out = {"sku": scenarios.SOLD_OUT_SKU, "name": "Sold-out souvenir", **none}
    ahead = {"sku": scenarios.PRE_ORDER_SKU, "name": "Souvenir to come", "backorderable": True, **none}
    return [sold_out, ahead, *({"sku": sku, "needed": 10 * count} for sku in skus)]


def show_outcomes(chosen: Sequence[scenarios.Scenario], orders: Sequence[CustomerOrder]) -> bool:
    """Print the expected and actual outcomes of each scenario; True if they agree."""
    table = Table("scenario", "orders", "expected", "got", "", title="Outcomes", title_justify="left")
    as_expected = True
    for scenario in _SCENARIOS:
        got = Counter(order.outcome for order, its in zip(orders, chosen, strict=True) if its is scenario)
        if got:
            right = set(got) <= scenario.outcomes
            as_expected &= right
            counted = ", ".join(f"{count} {outcome}" for outcome, count in got.most_common())
            mark = "[green]ok[/]" if right else "[bold red]wrong[/]"
            expected = " or ".join(sorted(scenario.outcomes))
            table.add_row(scenario.name, str(got.total()), expected, counted, mark)
    out.print(table)
    for order in orders:
        if order.refusal:
            out.print(f"refused: {order.label}: {order.refusal}", markup=False)
    return as_expected
