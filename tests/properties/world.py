"""The chain in a bag: all deliveries under way, to be drawn in any order, twice, or by one that dies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from inventory.services import NewProduct, add_products
from orders.events import Address, OrderDeadlinePassed
from orders.intake import OrderRequest
from orders.services import place_order
from shop.messaging.consuming import Consumer, circuit_breaker, runner
from shop.messaging.contracts import cloudevents
from shop.messaging.dead_letters import replay_dead_letter
from shop.messaging.event_log import as_event
from shop.messaging.models import Circuit, DeadLetter, EventRecord, OutboxEntry, ScheduledMessage
from tests.support.inprocess import promote_due, receivers

#: A shop that is not at rest after so many rounds will never be.
TOO_MANY = 100
#: Of EMPTY there is nothing, of SCARCE less than is wanted.
STOCK = {"PLENTY": 1000, "SCARCE": 2, "EMPTY": 0}
_KEPT = {"auth_user", "django_migrations", "django_content_type", "auth_permission"}


class Killed(BaseException):
    """The process is gone: nobody may catch it, nothing after it happens."""


@dataclass(frozen=True)
class Delivery:
    """A message on its way to one consumer."""

    consumer: Consumer
    body: dict[str, Any]
    headers: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.consumer.name} of {self.body['subject'][-4:]}"


class MailServer(BaseEmailBackend):
    """Takes all mail, or none."""

    is_down = False

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        if MailServer.is_down:
            raise ConnectionRefusedError("the mail server is down")
        return len(email_messages)


class World:
    """A shop without broker and workers: what would be delivered lies in a bag."""

    def __init__(self) -> None:
        _empty_tables()
        circuit_breaker.forget()
        circuit_breaker._knowledge.refresh()
        MailServer.is_down = False
        self.alice = User.objects.get_or_create(username="alice", defaults={"email": "alice@example.com"})[0]
        price = Decimal("4.90")
        add_products(
            products=[NewProduct(sku=sku, name=sku.title(), price=price, stock=n) for sku, n in STOCK.items()]
        )
        self.bag: list[Delivery] = []
        self.delivered: list[Delivery] = []
        self.orders: list[UUID] = []

    # --- What people and time do ---

    def place(self, *, pays_with: str, street: str, lines: Sequence[tuple[str, int]]) -> None:
        address = Address(name="Alice", street=street, city="Oxford", postal_code="OX1 1AA", country="GB")
        request = OrderRequest(lines=lines, ship_to=address, payment_method=pays_with)
        order = place_order(customer=self.alice, request=request)
        self.orders.append(order.pk)
        self.collect()

    def make_due(self, waiting: ScheduledMessage) -> None:
        ScheduledMessage.objects.filter(pk=waiting.pk).update(due_at=datetime.now(UTC))
        self.collect()

    def waiting(self) -> list[ScheduledMessage]:
        """What is scheduled for later: reminders, retries, and what is parked or held."""
        return sorted(ScheduledMessage.objects.all(), key=lambda m: self._age(m.aggregate_id, m.type, m.app))

    def replay(self, record: EventRecord) -> None:
        """Deliver an event of the log to everybody again."""
        body = cloudevents.encode(as_event(record))
        entry = OutboxEntry(message_id=record.id, type=record.type, queue="", headers={}, body=body)
        self.bag += self._deliveries(entry)

    def log(self) -> list[EventRecord]:
        return list(EventRecord.objects.order_by("position"))

    # --- What the broker and the workers do ---

    def collect(self) -> None:
        """Take what is published, or has become due, into the bag."""
        promote_due()
        entries = sorted(OutboxEntry.objects.all(), key=self._age_of_entry)
        OutboxEntry.objects.all().delete()
        for entry in entries:
            self.bag += self._deliveries(entry)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Run a consumer once over all these deliveries."""
        runner.run(
            deliveries[0].consumer,
            [delivery.body for delivery in deliveries],
            [delivery.headers for delivery in deliveries],
        )
        self.delivered += deliveries
        self.collect()

    def take(self, delivery: Delivery, *, at_most: int = 1) -> list[Delivery]:
        """Take a delivery out of the bag, and others that can run together with it."""
        alike = [other for other in self.bag if other.consumer is delivery.consumer and other is not delivery]
        taken = [delivery, *alike[: min(at_most, delivery.consumer.batch) - 1]]
        self.bag = [other for other in self.bag if not any(other is one for one in taken)]
        return taken

    def deliver_and_die(self, deliveries: Sequence[Delivery], *, after: int) -> None:
        """Kill the worker at a statement; the broker keeps what it had not acknowledged."""
        try:
            with _dying(after):
                self.deliver(deliveries)
        except Killed:
            connection.close()  # with it go its locks and its open transaction
            circuit_breaker.forget()
            circuit_breaker._knowledge.refresh()
            self.bag += deliveries
            self.collect()

    def come_to_rest(self, *, twice: bool) -> None:
        """Let all happen that is still to happen; deadlines are left, for nothing may need them.

        Args:
            twice: the broker delivers everything once more.
        """
        for _ in range(TOO_MANY):
            self._deliver_all(times=2 if twice else 1)
            if not self._go_on():
                return
        raise AssertionError("the chain does not come to rest")

    def _deliver_all(self, *, times: int) -> None:
        while self.bag:
            together = self.take(self.bag[0], at_most=100)
            for _ in range(times):
                self.deliver(together)

    def _go_on(self) -> bool:
        """Make due what waits, reminders only when nothing else does; whether anything did."""
        for circuit in Circuit.objects.all():
            circuit_breaker.close(circuit.consumer)
        letters = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).values_list("pk", flat=True)
        replayed = [replay_dead_letter(dead_letter_id=pk, by="operator") for pk in list(letters)]
        waiting = ScheduledMessage.objects.exclude(type=OrderDeadlinePassed.type)
        retries = waiting.exclude(kind=ScheduledMessage.Kind.REMINDER)
        now = datetime.now(UTC)
        went_on = replayed or retries.update(due_at=now) or waiting.update(due_at=now)
        self.collect()
        return bool(went_on)

    # --- The same order in every run: ids and jitter are random, histories are not ---

    def _age_of_entry(self, entry: OutboxEntry) -> tuple[Any, ...]:
        return self._age(UUID(json.loads(entry.body)["subject"]), entry.type, entry.queue)

    def _age(self, aggregate_id: UUID, *rest: str) -> tuple[Any, ...]:
        return (self.orders.index(aggregate_id) if aggregate_id in self.orders else -1, *rest)

    def _deliveries(self, entry: OutboxEntry) -> Iterator[Delivery]:
        for consumer in receivers(entry):
            yield Delivery(consumer, json.loads(entry.body), entry.headers)


@contextmanager
def _dying(after: int) -> Iterator[None]:
    left = after

    def count_down(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count_down):
        yield


def _empty_tables() -> None:
    """Empty all tables; of few rows DELETE takes a tenth of the time of TRUNCATE, without the triggers."""
    tables = [name for name in connection.introspection.table_names() if name not in _KEPT]
    deletes = "; ".join(f'DELETE FROM "{name}"' for name in tables)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # nothing here outlives a crash of the server
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(deletes)
        cursor.execute("SET session_replication_role = DEFAULT")
