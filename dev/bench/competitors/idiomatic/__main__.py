"""Program of the contestant. Django has to be set up before the models are imported."""

import sys
import time
from decimal import Decimal
from uuid import uuid4

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from dev.bench.competitors.common import place_at_pace  # noqa: E402
from dev.bench.competitors.idiomatic.models import Order, Stock  # noqa: E402
from dev.bench.competitors.idiomatic.tasks import QUEUE, app, charge  # noqa: E402
from dev.bench.competitors.steps import PRODUCTS, values  # noqa: E402

#: Seconds for the worker to reply.
_TIME_LIMIT = 60.0


def prepare() -> None:
    """Create the tables."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    Stock.objects.bulk_create(Stock(sku=f"BENCH-{n}", quantity=10_000_000) for n in range(PRODUCTS))


def work() -> None:
    """Work until stopped, with a process for each of two cores."""
    app.worker_main(["worker", "-c", "2", "-l", "WARNING", "-n", "idiomatic@%h"])


def accept(count: int) -> None:
    """Accept ``count`` orders while the worker consumes nothing, then let it consume."""
    _ask("cancel_consumer")
    for _ in range(count):
        _place(str(uuid4()))
    print("ready", flush=True)
    if sys.stdin.readline():
        app.control.add_consumer(QUEUE)


def place(count: int, rate: float) -> None:
    """Place orders at a pace."""
    place_at_pace(_place, count=count, rate=rate)


def _place(order: str) -> None:
    Order.objects.create(pk=order, sku=values(order)["sku"], amount=Decimal("12.50"))
    charge.delay(order)


def _ask(what: str) -> None:
    deadline = time.monotonic() + _TIME_LIMIT
    while not getattr(app.control, what)(QUEUE, reply=True, timeout=2):
        if time.monotonic() > deadline:
            sys.exit(f"no worker answers to {what}")


if __name__ == "__main__":
    match sys.argv[1]:
        case "prepare":
            prepare()
        case "work":
            work()
        case "accept":
            accept(int(sys.argv[2]))
        case "place":
            place(int(sys.argv[2]), float(sys.argv[3]))
