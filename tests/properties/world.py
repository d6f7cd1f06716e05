"""Simulated broker and workers: pending deliveries can arrive in any order, twice, or at a dying worker."""

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
from django.db.models import F, Q, Sum

from inventory.services import NewProduct, add_products
from orders.events import Address, OrderDeadlinePassed
from orders.intake import OrderRequest
from orders.models import Order
from orders.services import place_order
from payments.models import Dispute, SimulatedCharge
from payments.simulator import disputing
from payments.simulator.bank import tell_shop
from payments.simulator.gateway import confirm
from shop.messaging.consuming import Consumer, circuit_breaker, runner
from shop.messaging.contracts import cloudevents
from shop.messaging.dead_letters import replay_dead_letter
from shop.messaging.event_log import as_event
from shop.messaging.models import Circuit, DeadLetter, EventRecord, OutboxEntry, ScheduledMessage
from shop.privacy import data_keys
from tests.support.inprocess import promote_due, receivers
from tests.support.pristine import restore_pristine

#: Limit of the rounds until no delivery is pending.
MAX_ROUNDS = 100
#: Stock by product: EMPTY has none, SCARCE less than the orders ask for; AHEAD can be ordered ahead.
STOCK = {"PLENTY": 1000, "SCARCE": 2, "EMPTY": 0, "AHEAD": 1}


class Killed(BaseException):
    """Simulated SIGKILL. As a BaseException it passes all handlers of the code under test."""


@dataclass(frozen=True)
class Delivery:
    """A message to one consumer."""

    consumer: Consumer
    body: dict[str, Any]
    headers: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.consumer.name} of {self.body['subject'][-4:]}"


class MailServer(BaseEmailBackend):
    """Mail backend that accepts all messages, or none while it is down."""

    is_down = False

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        if MailServer.is_down:
            raise ConnectionRefusedError("the mail server is down")
        return len(email_messages)


class World:
    """A shop without broker and workers: the test decides which pending delivery arrives."""

    def __init__(self) -> None:
        restore_pristine(but={"auth_user"})
        data_keys.cache.clear()
        circuit_breaker.local_state.reset()
        circuit_breaker.local_state.refresh()
        MailServer.is_down = False
        self.alice = User.objects.get_or_create(username="alice", defaults={"email": "alice@example.com"})[0]
        price = Decimal("4.90")
        add_products(
            products=[
                NewProduct(sku=sku, name=sku.title(), price=price, stock=n, backorderable=sku == "AHEAD")
                for sku, n in STOCK.items()
            ]
        )
        self.pending: list[Delivery] = []
        self.delivered: list[Delivery] = []
        self.orders: list[UUID] = []

    # --- Customers and time ---

    def place(
        self, *, pays_with: str, street: str, lines: Sequence[tuple[str, int]], retry_payment: bool = False
    ) -> None:
        address = Address(name="Alice", street=street, city="Oxford", postal_code="OX1 1AA", country="GB")
        request = OrderRequest(
            lines=lines, ship_to=address, payment_method=pays_with, retry_payment=retry_payment
        )
        order = place_order(customer=self.alice, request=request)
        self.orders.append(order.pk)
        self.collect()

    def unconfirmed(self) -> list[str]:
        """Return the charges that their customers have to confirm."""
        waiting = SimulatedCharge.objects.filter(status="requires_action").order_by("created_at")
        return list(waiting.values_list("reference", flat=True))

    def answer_bank(self, charge: str, *, confirms: bool, is_told: bool) -> None:
        """Answer as a customer; the notice to the shop may be lost."""
        answered = confirm(charge, confirmed=confirms)
        if is_told:
            tell_shop(answered)
        self.collect()

    def disputable(self) -> list[str]:
        """Return the charges of which something was taken and not given back, and that have no dispute."""
        given = Sum("refunds__amount", filter=~Q(refunds__status="failed"), default=Decimal(0))
        taken = SimulatedCharge.objects.filter(dispute_status="").annotate(given=given)
        kept = taken.filter(captured__gt=F("given")).order_by("created_at")
        return list(kept.values_list("reference", flat=True))

    def disputed(self) -> list[str]:
        """Return the charges whose dispute is not decided."""
        open_ones = SimulatedCharge.objects.filter(dispute_status="needs_response").order_by("created_at")
        return list(open_ones.values_list("reference", flat=True))

    def dispute(self, charge: str) -> None:
        """Dispute a charge as a customer. The shop's notice is pending."""
        disputing.tell_shop(disputing.open_dispute(charge))
        self.collect()

    def decide_dispute(self, charge: str, *, won: bool) -> None:
        """Decide a dispute as the customer's bank. The shop's notice is pending."""
        disputing.tell_shop(disputing.close_dispute(charge, won=won))
        self.collect()

    def unheard_losses(self) -> set[UUID]:
        """Return the orders whose lost dispute the shop has not heard of: the provider gave money back."""
        heard = Dispute.objects.filter(status="lost").values("payment__order_id")
        lost = SimulatedCharge.objects.filter(dispute_status="lost").exclude(order_id__in=heard)
        return set(lost.values_list("order_id", flat=True))

    def waiting_for_customers(self) -> list[UUID]:
        """Return the unpaid orders whose customers have to do something."""
        waiting = Order.objects.filter(status="placed", payment_undone=False).exclude(payment_needs="")
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    def pass_payment_deadlines(self) -> None:
        """Make the deadlines of orders due that wait for their customers."""
        ScheduledMessage.objects.filter(
            type=OrderDeadlinePassed.type, aggregate_id__in=self.waiting_for_customers()
        ).update(due_at=datetime.now(UTC))
        self.collect()

    def make_due(self, message: ScheduledMessage) -> None:
        ScheduledMessage.objects.filter(pk=message.pk).update(due_at=datetime.now(UTC))
        self.collect()

    def scheduled(self) -> list[ScheduledMessage]:
        """Return the scheduled messages: reminders, retries, deferred and held events."""
        return sorted(ScheduledMessage.objects.all(), key=self._key_of_scheduled)

    def replay(self, record: EventRecord) -> None:
        """Publish an event of the log to all its consumers again."""
        body = cloudevents.encode(as_event(record))
        entry = OutboxEntry(message_id=record.id, type=record.type, queue="", headers={}, body=body)
        self.pending += self._deliveries(entry)

    def log(self) -> list[EventRecord]:
        return list(EventRecord.objects.order_by("position"))

    # --- Broker and workers ---

    def collect(self) -> None:
        """Move published and due messages to the pending deliveries."""
        promote_due()
        entries = sorted(OutboxEntry.objects.all(), key=self._key_of_entry)
        OutboxEntry.objects.all().delete()
        for entry in entries:
            self.pending += self._deliveries(entry)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Run a consumer once with all these deliveries as a batch."""
        runner.run(
            deliveries[0].consumer,
            [delivery.body for delivery in deliveries],
            [delivery.headers for delivery in deliveries],
        )
        self.delivered += deliveries
        self.collect()

    def take(self, delivery: Delivery, *, at_most: int = 1) -> list[Delivery]:
        """Remove and return a pending delivery, and others that can share its batch."""
        others = [
            other for other in self.pending if other.consumer is delivery.consumer and other is not delivery
        ]
        taken = [delivery, *others[: min(at_most, delivery.consumer.batch) - 1]]
        self.pending = [other for other in self.pending if not any(other is one for one in taken)]
        return taken

    def deliver_and_die(self, deliveries: Sequence[Delivery], *, after: int) -> None:
        """Kill the worker after a number of SQL statements. The broker redelivers its messages."""
        try:
            with _killed_after(after):
                self.deliver(deliveries)
        except Killed:
            connection.close()  # releases its locks and rolls back its transaction
            circuit_breaker.local_state.reset()
            circuit_breaker.local_state.refresh()
            self.pending += deliveries
            self.collect()

    def drain(self, *, twice: bool) -> None:
        """Deliver everything, including what follows, until nothing is pending.

        Deadlines of orders do not fire: an order must reach its end without them.

        Args:
            twice: deliver each message a second time.
        """
        for _ in range(MAX_ROUNDS):
            self._deliver_all(times=2 if twice else 1)
            if not self._release():
                return
        raise AssertionError(f"deliveries are still pending after {MAX_ROUNDS} rounds")

    def _deliver_all(self, *, times: int) -> None:
        while self.pending:
            batch = self.take(self.pending[0], at_most=100)
            for _ in range(times):
                self.deliver(batch)

    def _release(self) -> bool:
        """Close circuits, replay dead letters, and make scheduled messages due; reminders only if alone.

        Customers who have to confirm do so.

        Returns whether anything was waiting.
        """
        for charge in self.unconfirmed():
            confirm(charge, confirmed=True)
        for circuit in Circuit.objects.all():
            circuit_breaker.close(circuit.consumer)
        letters = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).values_list("pk", flat=True)
        replayed = [replay_dead_letter(dead_letter_id=pk, by="operator") for pk in list(letters)]
        scheduled = ScheduledMessage.objects.exclude(type=OrderDeadlinePassed.type)
        retries = scheduled.exclude(kind=ScheduledMessage.Kind.REMINDER)
        now = datetime.now(UTC)
        released = replayed or retries.update(due_at=now) or scheduled.update(due_at=now)
        self.collect()
        return bool(released)

    # --- Sort keys that are the same in every run, unlike ids and due times ---

    def _key_of_entry(self, entry: OutboxEntry) -> tuple[Any, ...]:
        return self._key(UUID(json.loads(entry.body)["subject"]), entry.type, entry.queue)

    def _key_of_scheduled(self, message: ScheduledMessage) -> tuple[Any, ...]:
        return self._key(message.aggregate_id, message.type, message.app)

    def _key(self, aggregate_id: UUID, *rest: str) -> tuple[Any, ...]:
        return (self.orders.index(aggregate_id) if aggregate_id in self.orders else -1, *rest)

    def _deliveries(self, entry: OutboxEntry) -> Iterator[Delivery]:
        for consumer in receivers(entry):
            yield Delivery(consumer, json.loads(entry.body), entry.headers)


@contextmanager
def _killed_after(statements: int) -> Iterator[None]:
    left = statements

    def count_down(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count_down):
        yield
