"""``script/run --orders``: orders of mixed fate, what was expected of them, and what came of them."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from dev.console import out
from dev.errors import ScriptError
from dev.load import accounts, scenarios
from dev.load.api import Api
from dev.load.generator import Wish
from dev.run.progress import see_through
from dev.run.summary import show_verdict
from dev.stack import Stack

#: Those of ``manage.py seed``.
CUSTOMERS = {"alice": "Alice Liddell", "bob": "Bob Cratchit", "carol": "Carol Kennicott"}
#: Of how many products the orders are.
_ASSORTMENT = 20


def place_mixed_orders(stack: Stack, *, count: int, seed: int, rate: float) -> bool:
    """Place ``count`` orders, see each through, and print what came of it; True if all is as it has to be."""
    api, chosen = Api(stack.port), scenarios.draw(count, seed)
    products = api.get(f"/api/v1/products?page_size={_ASSORTMENT}")["results"]
    if not products:
        raise ScriptError("the catalogue is empty: there is nothing to order.")
    skus = sorted(product["sku"] for product in products if product["sku"] != scenarios.SOLD_OUT_SKU)
    tokens = accounts.provide(
        stack, products=_stock(skus, count), customers=CUSTOMERS, reason=f"for {count} demonstration orders"
    )
    wishes = scenarios.wishes(
        chosen, skus=skus, tokens=sorted(tokens.values()), seed=seed, run=secrets.token_hex(8)
    )
    see_through(stack, api, wishes, rate=rate)
    as_expected = show_outcomes(chosen, wishes)
    return show_verdict(stack, wishes) and as_expected


def _stock(skus: Sequence[str], count: int) -> list[dict[str, Any]]:
    """So much stock that only the sold-out product is sold out."""
    sold_out = {
        "sku": scenarios.SOLD_OUT_SKU,
        "name": "Sold-out souvenir",
        "price": "9.90",
        "currency": "",
        "needed": 0,
    }
    return [sold_out, *({"sku": sku, "needed": 10 * count} for sku in skus)]


def show_outcomes(chosen: Sequence[scenarios.Fate], wishes: Sequence[Wish]) -> bool:
    """Print what each fate should have led to beside what it led to; True if they agree."""
    table = Table("fate", "orders", "expected", "got", "", title="Outcomes", title_justify="left")
    as_expected = True
    for fate in scenarios.FATES:
        got = Counter(wish.outcome for wish, its in zip(wishes, chosen, strict=True) if its is fate)
        if got:
            right = set(got) <= fate.outcomes
            as_expected &= right
            counted = ", ".join(f"{count} {outcome}" for outcome, count in got.most_common())
            verdict_mark = "[green]ok[/]" if right else "[bold red]wrong[/]"
            expected = " or ".join(sorted(fate.outcomes))
            table.add_row(fate.name, str(got.total()), expected, counted, verdict_mark)
    out.print(table)
    for wish in wishes:
        if wish.refusal:
            out.print(f"refused: {wish.label}: {wish.refusal}", markup=False)
    return as_expected
