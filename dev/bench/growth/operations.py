"""Timed operations: the shop's own code, one operation at a time, on an otherwise quiet shop."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from dev.bench.growth import load
from dev.bench.growth.stub_publisher import StubPublisher
from orders.events import Address, OrderCancelled
from orders.intake import OrderRequest
from orders.services import place_order
from shipping.events import TrackingDue
from shop.ids import uuid7
from shop.messaging.consuming import consumers, inbox
from shop.messaging.contracts import Meta
from shop.messaging.event_log import replay, timeline
from shop.messaging.models import EventRecord
from shop.messaging.operations.queries import inbox_gaps
from shop.messaging.publishing import publish
from shop.messaging.relay import due, relay
from shop.messaging.scheduling import schedule

#: Entries relayed, and messages promoted, at a time.
BATCH = 100


@dataclass(frozen=True)
class Operation:
    """An operation to be timed."""

    name: str
    run: Callable[[], object]
    #: Called before each run, untimed.
    prepare: Callable[[], object] = lambda: None
    #: Maximum number of runs, for slow operations.
    times: int | None = None

    def timed(self) -> float:
        """Run it once and return the milliseconds."""
        self.prepare()
        started = time.perf_counter()
        self.run()
        return 1000 * (time.perf_counter() - started)


def time_all(operations: Sequence[Operation], samples: int) -> dict[Operation, list[float]]:
    """Time all operations in turn, so that a slow moment of the machine affects all of them.

    Returns milliseconds; the first run of each is dropped.
    """
    values: dict[Operation, list[float]] = {operation: [] for operation in operations}
    for nth in range(samples + 1):
        for operation, taken in values.items():
            if nth <= (operation.times or samples):
                taken.append(operation.timed())
    return {operation: taken[1:] for operation, taken in values.items()}


def all_operations(session: psycopg.Connection[Any]) -> list[Operation]:
    """Return all operations."""
    hot = [Operation("place an order", _place), _consume(), Operation("append an event", _append)]
    return [*queue_operations(session), *hot, *log_operations()]


def queue_operations(session: psycopg.Connection[Any]) -> list[Operation]:
    """Return the operations on the tables that empty themselves."""

    def relay_batch() -> object:
        return relay.relay_batch(session, StubPublisher(), load.ALL_SHARDS)

    def promote() -> object:
        return due.promote_due(session)

    return [
        _control(session),
        Operation("look into the empty outbox", relay_batch, lambda: load.empty_outbox(session)),
        Operation(f"relay {BATCH} entries", relay_batch, lambda: _fill_outbox(session)),
        Operation("look for what is due", promote),
        Operation(f"promote {BATCH} reminders", promote, lambda: _schedule(session)),
    ]


def log_operations() -> list[Operation]:
    """Return the operations that read and write the log."""
    admin = Client(headers={"host": "localhost"})
    admin.force_login(User.objects.get(username="operator"))
    page = reverse("admin:messaging_eventrecord_changelist")
    return [
        Operation("timeline of an order", lambda: timeline(_some_order())),
        Operation("admin: newest events", lambda: admin.get(page), times=20),
        Operation(
            "admin: newest of a rare type", lambda: admin.get(page, {"type": OrderCancelled.type}), times=20
        ),
        Operation("replay: 2,000 events", lambda: list(islice(replay(), 2000)), times=20),
        Operation("audit: gaps of the inbox", inbox_gaps, times=2),
    ]


def _control(session: psycopg.Connection[Any]) -> Operation:
    """Return an operation that does not grow: it shows the load of the machine."""
    return Operation(
        "control: commit a row elsewhere", lambda: session.execute("INSERT INTO control VALUES (1)")
    )


def _place() -> None:
    place_order(
        customer=User.objects.get(username="alice"),
        request=OrderRequest(
            lines=[("TEA-MINT", 1), ("MUG", 1)],
            ship_to=Address(
                name="Alice Liddell",
                street="1 Rabbit Hole",
                city="Oxford",
                postal_code="OX1 1AA",
                country="GB",
            ),
            payment_method="pm_card_visa",
        ),
        idempotency_key=str(uuid7()),
    )


@transaction.atomic
def _append() -> None:
    publish(OrderCancelled(order_id=_some_order(), number="ORD-1042", reason="customer"))


def _consume() -> Operation:
    consumer = next(c for c in consumers() if c.event is OrderCancelled)

    @transaction.atomic
    def record() -> None:
        event = OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer")
        inbox.record(consumer, [event.with_meta(Meta(uuid7(), datetime.now(UTC), uuid7()))])

    return Operation("record an event in the inbox", record)


def _some_order() -> UUID:
    """Return an order from anywhere in the log."""
    last = EventRecord.objects.order_by("-position").values_list("position", flat=True)[0]
    after = EventRecord.objects.filter(position__gte=random.randint(1, last)).order_by("position")
    return after.values_list("aggregate_id", flat=True)[0]


def _fill_outbox(session: psycopg.Connection[Any]) -> None:
    load.empty_outbox(session)
    session.execute(
        "INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)"
        " SELECT n & 15, uuidv7(), 'orders.OrderCancelled.v1', '', '{}', repeat('x', 800)"
        " FROM generate_series(1, %s) AS n",
        [BATCH],
    )


def _schedule(session: psycopg.Connection[Any]) -> None:
    load.empty_outbox(session)
    with transaction.atomic():
        for _ in range(BATCH):
            schedule(TrackingDue(order_id=uuid7(), shipment_id=uuid7()), at=datetime.now(UTC))
