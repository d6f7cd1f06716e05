"""A process of the shop's own that places orders: as fast as it can, or at a steady pace.

Django has to be set up before anything that it serves is imported.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from orders.events import Address  # noqa: E402
from orders.services import place_order  # noqa: E402

_ADDRESS = Address(name="Rosa Klein", street="Am Markt 1", city="Berlin", postal_code="10178", country="DE")


def place(*, orders: int, skus: list[str], threads: int, rate: float, seed: int) -> None:
    """Place so many orders through so many connections.

    Args:
        rate: orders a second; 0 for as fast as it goes. Each order has its own moment: one that takes
            long does not put off the next.
        seed: the same seed means the same orders.
    """
    with ThreadPoolExecutor(threads) as pool:
        placed, started = [], time.monotonic()
        for number, order in enumerate(_orders(orders, skus, seed)):
            if rate:
                time.sleep(max(0.0, started + number / rate - time.monotonic()))
            placed.append(pool.submit(place_order, **order))
        for order_placed in placed:
            order_placed.result()


def _orders(count: int, skus: list[str], seed: int) -> Iterator[dict[str, Any]]:
    chance, customers = random.Random(seed), [*User.objects.order_by("id")]
    for number in range(count):
        chosen = chance.sample(skus, k=chance.randint(1, 3))
        yield {
            "customer": customers[number % len(customers)],
            "lines": [(sku, chance.randint(1, 3)) for sku in chosen],
            "ship_to": _ADDRESS,
            "payment_method": "pm_card_visa",
        }


if __name__ == "__main__":
    place(**json.loads(sys.argv[1]))
