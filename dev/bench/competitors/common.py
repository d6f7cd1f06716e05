"""Settings that the competitors have in common, and orders at a pace."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

#: Connections for placing orders, as many as the shop has.
THREADS = 8


def database(variable: str = "BENCH_DATABASE_URL") -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for a URL in the environment, with persistent connections."""
    url = urlsplit(os.environ[variable])
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": url.hostname,
            "PORT": url.port,
            "USER": url.username,
            "PASSWORD": unquote(url.password or ""),
            "NAME": url.path.removeprefix("/"),
            "CONN_MAX_AGE": None,
        }
    }


def place_at_pace(place: Callable[[str], object], *, count: int, rate: float) -> None:
    """Place orders, ``rate`` a second, each at its due time: a slow one does not delay the next."""
    with ThreadPoolExecutor(THREADS) as pool:
        placed, started = [], time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, started + number / rate - time.monotonic()))
            placed.append(pool.submit(place, str(uuid4())))
        for order in placed:
            order.result()
