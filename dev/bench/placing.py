"""A process of the shop's own that places orders: as fast as it can, or at a steady pace.

Django has to be set up before anything that it serves is imported.
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
from orders.services import place_order  # noqa: E402

_ADDRESS = Address(**requests.ADDRESS)


def place(*, orders: int, skus: list[str], threads: int, rate: float, seed: int) -> None:
    """Place so many orders through so many connections.

    Args:
        rate: orders a second; 0 for as fast as it goes. Each order has its own moment: one that takes
            long does not put off the next.
        seed: the same seed means the same orders.
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
    """Place orders through one connection until we are stopped."""
    for order in _orders(skus, seed):
        place_order(**order)


def _orders(skus: list[str], seed: int) -> Iterator[dict[str, Any]]:
    """What :func:`place_order` takes, from all customers in turn, without an end."""
    chance = random.Random(seed)
    for customer in cycle(User.objects.order_by("id")):
        wanted = requests.lines(chance, skus)
        yield {
            "customer": customer,
            "lines": [(line["sku"], line["quantity"]) for line in wanted],
            "ship_to": _ADDRESS,
            "payment_method": requests.PAYMENT_METHOD,
        }


if __name__ == "__main__":
    place(**json.loads(sys.argv[1]))
