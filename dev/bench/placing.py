"""Process that places orders by the service, as fast as possible or at a steady rate.

Django has to be set up before the other imports.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from dev.bench import requests  # noqa: E402
from orders.events import Address  # noqa: E402
from orders.intake import OrderRequest  # noqa: E402
from orders.services import place_order  # noqa: E402

_ADDRESS = Address(**requests.ADDRESS)


def place(*, orders: int, skus: list[str], threads: int, rate: float, seed: int) -> None:
    """Place ``orders`` orders over ``threads`` connections.

    Args:
        rate: orders a second; 0 for as fast as possible. Each order has its own due time: a slow one does
            not delay the next.
        seed: seed of the orders' lines.
    """
    wanted = list(islice(_orders(skus, seed), orders))
    with ThreadPoolExecutor(threads) as pool:
        placed, started = [], time.monotonic()
        for number, order in enumerate(wanted):
            if rate:
                time.sleep(max(0.0, started + number / rate - time.monotonic()))
            placed.append(pool.submit(place_order, **order))
        for order_placed in placed:
            order_placed.result()


def place_one_by_one(*, skus: list[str], seed: int) -> None:
    """Place orders over one connection until stopped."""
    for order in _orders(skus, seed):
        place_order(**order)


def _orders(skus: list[str], seed: int) -> Iterator[dict[str, Any]]:
    """Yield arguments of :func:`place_order` endlessly, for all customers in turn."""
    chance = random.Random(seed)
    for customer in cycle(User.objects.order_by("id")):
        wanted = requests.lines(chance, skus)
        yield {
            "customer": customer,
            "request": OrderRequest(
                lines=[(line["sku"], line["quantity"]) for line in wanted],
                ship_to=_ADDRESS,
                payment_method=requests.PAYMENT_METHOD,
            ),
        }


if __name__ == "__main__":
    place(**json.loads(sys.argv[1]))
