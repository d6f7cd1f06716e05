"""Shops with so many orders, side by side: each operation is timed in all of them in turn."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections

from console.seeding import seed
from dev.bench.growth import pages
from dev.bench.growth.bulk import patterns
from dev.bench.growth.management.commands import make_orders
from dev.bench.growth.operations import Operation
from orders.events import Address
from orders.services import place_order
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.consuming import Consumer

#: More than two pages of a customer's own orders.
_OF_ALICE = 60
Line = dict[str, Any]
#: Name -> milliseconds.
Timed = dict[str, float]


class Watched(patterns.RunsAtOnce):
    """Takes the time that the consumers of each context need."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    def consume(self, consumer: Consumer, message: Outgoing) -> None:
        """Consume, and add up how long it takes."""
        started = time.perf_counter()
        super().consume(consumer, message)
        self.spent[f"order: {consumer.app} consumes"] += 1000 * (time.perf_counter() - started)


def grow(*, orders: Sequence[int], samples: int) -> Iterator[Line]:
    """Make the shops, time everything in them; yield what is said on the way, and what was measured."""
    shops = {}
    for size, before in zip(orders, (0, *orders), strict=False):
        started = time.monotonic()
        shops[size] = _shop_with(size, before)
        yield {"says": f"{size:,} orders: {size - before:,} made in {time.monotonic() - started:.0f} s"}
    measured: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for nth in range(samples + 1):
        for name, size, value in _in_turn([*shops.items()], turn=nth):
            measured[name, size].append(value)
    for (name, size), values in measured.items():
        yield {"name": f"{name}: {size:,}", "unit": "ms", "values": values[1:]}


class Shop:
    """A database, and what is timed on it: each gives milliseconds by name."""

    def __init__(self, size: int) -> None:
        self.connection = connections["default"]
        operations = [pages.control(), _commit(), *pages.of_the_shop(size)]
        self.acts: list[Callable[[], Timed]] = [*map(_alone, operations), _an_order]


def _in_turn(shops: list[tuple[int, Shop]], *, turn: int) -> Iterator[tuple[str, int, float]]:
    """Do each act in all shops before the next one, beginning with another shop in each turn."""
    begin = turn % len(shops)
    for nth in range(len(shops[0][1].acts)):
        for size, shop in (*shops[begin:], *shops[:begin]):
            connections["default"] = shop.connection
            for name, value in shop.acts[nth]().items():
                yield name, size, value


def _alone(operation: Operation) -> Callable[[], Timed]:
    return lambda: {operation.name: operation.timed()}


def _shop_with(size: int, before: int) -> Shop:
    """The shop of the size before, copied and grown."""
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
    """Connect to a database of that size, a copy of the one before."""
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
    with patterns.in_a_hurry():
        patterns.follow([_place() for _ in range(_OF_ALICE)])


def _place() -> UUID:
    ship_to = Address(
        name="Alice Liddell", street="1 Rabbit Hole", city="Oxford", postal_code="OX1 1AA", country="GB"
    )
    lines, alice = [("TEA-MINT", 1), ("MUG", 1)], User.objects.get(username="alice")
    return place_order(customer=alice, lines=lines, ship_to=ship_to, payment_method="pm_card_visa").pk


def _an_order() -> Timed:
    """An order from the basket to the door: what placing it takes, and what each context does for it."""
    broker = Watched()
    with patterns.in_a_hurry():
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
