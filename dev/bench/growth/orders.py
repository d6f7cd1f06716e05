"""Shops with different numbers of orders, compared: each operation is timed in all of them in turn."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection, connections

from console.seeding import seed
from dev.bench.growth import pages
from dev.bench.growth.bulk import patterns
from dev.bench.growth.management.commands import make_orders
from dev.bench.growth.operations import Operation
from orders.events import Address
from orders.intake import OrderRequest
from orders.services import place_order
from shop.accounts.limits import UNLIMITED
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.consuming import Consumer

#: More than two pages of a customer's own orders.
_OF_ALICE = 60
Line = dict[str, Any]
#: Milliseconds by name.
Timed = dict[str, float]


class TimedBroker(patterns.InProcessBroker):
    """Broker that measures the time of the consumers of each context."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    def consume(self, consumer: Consumer, message: Outgoing) -> None:
        """Let the consumer process the message, and add up the time."""
        started = time.perf_counter()
        super().consume(consumer, message)
        self.spent[f"order: {consumer.app} consumes"] += 1000 * (time.perf_counter() - started)


def grow(*, orders: Sequence[int], samples: int) -> Iterator[Line]:
    """Create the shops and time everything in them; yield messages and series."""
    shops = {}
    for size, before in zip(orders, (0, *orders), strict=False):
        started = time.monotonic()
        shops[size] = _shop_with(size, before)
        yield {"message": f"{size:,} orders: {size - before:,} made in {time.monotonic() - started:.0f} s"}
    measured: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for nth in range(samples + 1):
        for name, size, value in _in_turn([*shops.items()], turn=nth):
            measured[name, size].append(value)
    for (name, size), values in measured.items():
        yield {"name": f"{name}: {size:,}", "unit": "ms", "values": values[1:]}


class Shop:
    """A database with its timed steps, each of which returns milliseconds by name."""

    def __init__(self, size: int) -> None:
        self.connection = connections["default"]
        operations = [pages.control(), _commit(), *pages.page_operations(size)]
        self.acts: list[Callable[[], Timed]] = [*map(_alone, operations), _an_order]


def _in_turn(shops: list[tuple[int, Shop]], *, turn: int) -> Iterator[tuple[str, int, float]]:
    """Run each step in all shops before the next one, starting with another shop in each turn."""
    begin = turn % len(shops)
    for nth in range(len(shops[0][1].acts)):
        for size, shop in (*shops[begin:], *shops[:begin]):
            connections["default"] = shop.connection
            for name, value in shop.acts[nth]().items():
                yield name, size, value


def _alone(operation: Operation) -> Callable[[], Timed]:
    return lambda: {operation.name: operation.timed()}


def _shop_with(size: int, before: int) -> Shop:
    """Copy the shop of the size before and make it grow."""
    _connect(size, before)
    if before:
        call_command(make_orders.Command(), size - before, among_others=True)
    else:
        call_command("migrate", verbosity=0)
        call_command(make_orders.Command(), size)
        _serve_alice()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE control (n int)")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    return Shop(size)


def _connect(size: int, before: int) -> None:
    """Connect to a new database, a copy of the one of the size before."""
    first = connections["default"].settings_dict["NAME"].partition("_of_")[0]
    name, template = f"{first}_of_{size}", f"{first}_of_{before}" if before else "template0"
    connections["default"].close()
    server = _connection_to("postgres")
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    server.close()
    connections["default"] = _connection_to(name)


def _connection_to(name: str) -> Any:
    made = connections.create_connection("default")
    made.settings_dict = {**made.settings_dict, "NAME": name}
    return made


def _serve_alice() -> None:
    seed()
    unlimited, _ = Group.objects.get_or_create(name=UNLIMITED)
    unlimited.user_set.add(User.objects.get(username="alice"))
    with patterns.without_delays():
        patterns.follow([_place() for _ in range(_OF_ALICE)])


def _place() -> UUID:
    ship_to = Address(
        name="Alice Liddell", street="1 Rabbit Hole", city="Oxford", postal_code="OX1 1AA", country="GB"
    )
    lines, alice = [("TEA-MINT", 1), ("MUG", 1)], User.objects.get(username="alice")
    request = OrderRequest(lines=lines, ship_to=ship_to, payment_method="pm_card_visa")
    return place_order(customer=alice, request=request).pk


def _an_order() -> Timed:
    """Process an order completely; return the time of placing it and of each context's consumers."""
    broker = TimedBroker()
    with patterns.without_delays():
        order, placing = _timed(_place)
        _, following = _timed(lambda: patterns.follow([order], broker))
    spent = {**broker.spent, "order: relay and promote": following - sum(broker.spent.values())}
    return {"order: place it": placing, **spent, "order: all of it": placing + following}


def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = act()
    return result, 1000 * (time.perf_counter() - started)


def _commit() -> Operation:
    def commit() -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO control VALUES (1)")

    return Operation("*control: commit a row elsewhere*", commit)
