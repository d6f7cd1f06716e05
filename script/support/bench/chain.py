"""``script/bench chain``: orders/s from POST to shipped, and how long one order takes on a quiet shop."""

import contextlib
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from script.support.api import Api
from script.support.bench import servers
from script.support.bench.cpu import Meter
from script.support.bench.deployment import SKUS, Deployment
from script.support.bench.figures import Report, Series, percentile
from script.support.console import say
from script.support.errors import ScriptError
from script.support.postgres import Postgres
from script.support.rabbitmq import RabbitMQ

BROKERS = ("rabbitmq", "embedded")
#: Orders placed before anything is measured.
_WARM_UP = 50
#: Seconds without progress after which the orders that are not shipped will not be.
_PATIENCE = 60.0
#: Seconds between two looks at the log; what is measured are the times that stand in it.
_LOOK = 0.1
_SHIPPED = """
    select count(*), max(time) from messaging_eventrecord
    where position > %s and type = 'shipping.OrderShipped.v1'
"""
_PLACED_TO_SHIPPED = """
    select extract(epoch from shipped.time - placed.time)::float
    from messaging_eventrecord placed join messaging_eventrecord shipped using (aggregate_id)
    where placed.position > %s and placed.type = 'orders.OrderCreated.v1'
      and shipped.type = 'shipping.OrderShipped.v1'
"""
#: Grows with whatever any of the apps does; orders that are under way still show among the reminders.
_ACTIVITY = """
    select (select max(id) from messaging_inboxentry), (select count(*) from messaging_outboxentry),
           (select count(*) from messaging_scheduledmessage)
"""


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    runs: int
    #: Placed at once in each run, by so many clients.
    orders: int
    clients: int
    #: Placed one by one, so many a second.
    slow_orders: int
    rate: float
    brokers: Sequence[str]


def measure(plan: Plan) -> Report:
    """Measure on each broker, one after the other."""
    servers.empty_home()
    what = (
        f"{plan.orders:,} orders by {plan.clients} clients, then {plan.slow_orders} at {plan.rate:g} a second"
    )
    report = Report(f"Chain: {what}")
    with servers.empty_postgres() as postgres:
        for broker in plan.brokers:
            with _deployed(broker, postgres) as (shop, meter):
                report.series += _measure_on(broker, shop, plan, meter)
    return report


@contextlib.contextmanager
def _deployed(broker: str, postgres: Postgres) -> Iterator[tuple[Deployment, Meter]]:
    say(f"Starting the shop on the {broker} broker ...")
    database_url = postgres.create_database(f"bench_{broker}")
    with contextlib.ExitStack() as stack:
        pids = {"PostgreSQL": _pid(postgres)}
        if broker == "rabbitmq":
            rabbitmq = stack.enter_context(servers.empty_rabbitmq())
            url, pids["RabbitMQ"] = rabbitmq.url(), _pid(rabbitmq)
        else:
            url = postgres.create_database("bench_broker").replace("postgresql://", "pgmq://", 1)
        shop = stack.enter_context(Deployment(broker, database_url=database_url, broker_url=url))
        yield shop, Meter(shop.pids() | pids)


def _pid(server: Postgres | RabbitMQ) -> int:
    assert server.child  # noqa: S101 - it has been started
    return server.child.pid


def _measure_on(broker: str, shop: Deployment, plan: Plan, meter: Meter) -> list[Series]:
    _place_and_ship(shop, _WARM_UP, plan.clients)
    accepted, shipped = [], []
    for run in range(1, plan.runs + 1):
        with meter.running():
            rates = _place_and_ship(shop, plan.orders, plan.clients)
        accepted.append(rates[0])
        shipped.append(rates[1])
        say(f"run {run} of {plan.runs}: {broker}: {rates[0]:.0f} orders/s accepted, {rates[1]:.0f} shipped")
    delays = _ship_slowly(shop, plan.slow_orders, plan.rate)
    return [
        Series(f"{broker}: accepted by the API", "orders/s", tuple(accepted)),
        Series(f"{broker}: from POST to shipped", "orders/s", tuple(shipped)),
        Series(f"{broker}: placed to shipped, p50", "ms", (percentile(delays, 0.50),)),
        Series(f"{broker}: placed to shipped, p99", "ms", (percentile(delays, 0.99),)),
        *_cpu(broker, meter, plan.runs * plan.orders),
    ]


def _cpu(broker: str, meter: Meter, orders: int) -> Iterator[Series]:
    """What an order costs from POST to the customer's door, with all that is told about it."""
    used = {name: 1000 * seconds / orders for name, seconds in meter.seconds.items()}
    for name, cost in {"all": sum(used.values()), **used}.items():
        yield Series(f"{broker}: CPU of {name}", "ms/order", (cost,))


def _place_and_ship(shop: Deployment, count: int, clients: int) -> tuple[float, float]:
    """Place orders as fast as it goes; return orders/s accepted, and orders/s from POST to shipped."""
    before = _last_position(shop)
    started = datetime.now(UTC)
    with ThreadPoolExecutor(clients) as pool:
        for accepted in [pool.submit(_place, *order) for order in _orders(shop, count)]:
            accepted.result()
    placed = datetime.now(UTC)
    shipped = _await_shipped(shop, count, before)
    _await_quiet(shop)
    return count / (placed - started).total_seconds(), count / (shipped - started).total_seconds()


def _orders(shop: Deployment, count: int) -> Iterator[tuple[Api, dict[str, Any]]]:
    chance = random.Random(count)  # the same orders in each run
    for customer in itertools.islice(itertools.cycle(shop.customers()), count):
        skus = chance.sample(SKUS, k=chance.randint(1, 3))
        yield customer, _order([{"sku": sku, "quantity": chance.randint(1, 3)} for sku in skus])


def _order(lines: list[dict[str, Any]]) -> dict[str, Any]:
    address = {"name": "Rosa Klein", "street": "Am Markt 1", "city": "Berlin", "postal_code": "10178"}
    return {"lines": lines, "payment_method": "pm_card_visa", "ship_to": {**address, "country": "DE"}}


def _place(customer: Api, order: dict[str, Any]) -> None:
    customer.post("/api/v1/orders", order)


def _last_position(shop: Deployment) -> int:
    position: int = shop.rows("select coalesce(max(position), 0) from messaging_eventrecord")[0][0]
    return position


def _await_shipped(shop: Deployment, count: int, before: int) -> datetime:
    """Wait until ``count`` orders are shipped; return when the last one was."""
    seen, progress = 0, time.monotonic()
    while True:
        ((shipped, last),) = shop.rows(_SHIPPED, before)
        if shipped >= count:
            moment: datetime = last
            return moment
        if shipped > seen:
            seen, progress = shipped, time.monotonic()
        if time.monotonic() - progress > _PATIENCE:
            raise ScriptError(f"{shipped} of {count} orders are shipped, and no more for {_PATIENCE:.0f} s.")
        shop.sleep(_LOOK)


def _await_quiet(shop: Deployment) -> None:
    """Wait until all parcels have arrived and nobody has anything left to do."""
    deadline, before = time.monotonic() + _PATIENCE, None
    while (now := shop.rows(_ACTIVITY)[0]) != before or now[1] or now[2]:
        if time.monotonic() > deadline:
            raise ScriptError(f"the shop does not come to rest: last inbox id, outbox, scheduled: {now}.")
        before = now
        shop.sleep(1)


def _ship_slowly(shop: Deployment, count: int, rate: float) -> list[float]:
    """Place orders at a steady pace; return the milliseconds from placed to shipped of each."""
    say(f"Placing {count} orders at {rate:g} a second ...")
    before, started = _last_position(shop), time.monotonic()
    for number, order in enumerate(_orders(shop, count)):
        shop.sleep(max(0.0, started + number / rate - time.monotonic()))
        _place(*order)
    _await_shipped(shop, count, before)
    return [1000 * seconds for (seconds,) in shop.rows(_PLACED_TO_SHIPPED, before)]
