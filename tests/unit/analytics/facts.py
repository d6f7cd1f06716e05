"""Events of orders with every outcome, published at fixed times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    Shortage,
    StockLine,
)
from orders.events import (
    Address,
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderedLine,
    ReceivedLine,
    ReturnApproved,
    ReturnedLine,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from payments.events import (
    PaymentCaptured,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
)
from shipping.events import CancellationRejected, FulfilmentStopped, OrderDelivered, OrderShipped
from shop.ids import uuid7
from shop.messaging.contracts import Event, Meta, Money
from shop.messaging.outbox.append import append
from tests.support.sealed import sealed_event

#: A quarter of an hour before midnight, so that most orders live on two days.
EVENING = datetime(2026, 3, 4, 23, 45, tzinfo=UTC)
TODAY, TOMORROW = EVENING.date(), EVENING.date() + timedelta(days=1)


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def at(event: Event, time: datetime) -> Event:
    """Return the event as if it had been published at ``time``."""
    return event.with_meta(Meta(uuid7(), time, uuid7()))


class Story:
    """Events of one order, a step every five minutes."""

    def __init__(self, begin: datetime = EVENING, currency: str = "EUR", **quantities: int) -> None:
        self.order_id = uuid7()
        self.now, self.currency = begin, currency
        self.quantities = quantities or {"tea": 2, "pot": 1}
        self.payment_id, self.shipment_id = uuid7(), uuid7()
        self.events: list[Event] = []

    @property
    def total(self) -> Money:
        return money(str(sum(self.quantities.values()) * Decimal("10.00")), self.currency)

    def then(self, kind: type[Event], minutes: float = 5, **facts: object) -> "Story":
        """Add an event, some minutes after the last one."""
        self.now += timedelta(minutes=minutes if self.events else 0)
        self.events.append(at(sealed_event(kind, order_id=self.order_id, **facts), self.now))
        return self

    def placed(self) -> "Story":
        lines = [
            OrderedLine(sku=sku, name=sku.title(), quantity=n, unit_price=money("10.00", self.currency))
            for sku, n in self.quantities.items()
        ]
        address = Address(name="Alice", street="1 Lane", city="Oxford", postal_code="OX1", country="GB")
        return self.then(
            OrderCreated,
            number="ORD-1042",
            customer_id=7,
            customer_name="Alice",
            customer_email="alice@example.com",
            lines=lines,
            total=self.total,
            payment_method="pm_card_visa",
            ship_to=address,
        )

    @property
    def stock(self) -> list[StockLine]:
        return [StockLine(sku=sku, quantity=n) for sku, n in self.quantities.items()]

    def paid(self) -> "Story":
        return self.placed().then(PaymentProcessed, payment_id=self.payment_id, amount=self.total)

    def stocked(self) -> "Story":
        return self.paid().then(InventoryUpdated, lines=self.stock)

    def shipped(self) -> "Story":
        return self.stocked().then(
            OrderShipped, shipment_id=self.shipment_id, carrier="UPS", tracking_number="EZ1"
        )

    def delivered(self) -> "Story":
        return self.shipped().then(OrderDelivered, shipment_id=self.shipment_id, delivered_at=self.now)

    def captured(self) -> "Story":
        """Hold the money at first, and take it when the parcel leaves."""
        self.placed().then(PaymentProcessed, payment_id=self.payment_id, amount=self.total, captured=False)
        self.then(InventoryUpdated, lines=self.stock)
        self.then(OrderShipped, shipment_id=self.shipment_id, carrier="UPS", tracking_number="EZ1")
        return self.then(PaymentCaptured, payment_id=self.payment_id, amount=self.total)

    def declined(self) -> "Story":
        self.placed().then(PaymentFailed, payment_id=self.payment_id, code="expired_card", message="Expired.")
        return self.then(OrderCancelled, number="ORD-1042", reason="payment_failed")

    def sold_out(self) -> "Story":
        self.paid().then(InventoryRejected, shortages=[Shortage(sku="tea", requested=2, available=0)])
        return self._refunded().then(OrderCancelled, number="ORD-1042", reason="out_of_stock")

    def cancelled(self) -> "Story":
        self.stocked().then(OrderCancellationRequested, reason="customer")
        self.then(FulfilmentStopped, reason="customer").then(InventoryRestocked, lines=self.stock)
        return self._refunded().then(OrderCancelled, number="ORD-1042", reason="customer")

    def stopped_at_once(self) -> "Story":
        self.placed().then(OrderCancellationRequested, reason="customer")
        self.then(FulfilmentStopped, reason="customer").then(InventoryReleased)
        self.then(PaymentVoided, payment_id=self.payment_id)
        return self.then(OrderCancelled, number="ORD-1042", reason="customer")

    def too_late(self) -> "Story":
        self.shipped().then(OrderCancellationRequested, reason="customer")
        return self.then(CancellationRejected, reason="customer")

    def asked(self, return_id: UUID) -> "Story":
        """Have a return of a piece of tea asked for."""
        lines = [ReturnedLine(sku="tea", name="Tea", quantity=1)]
        return self.then(ReturnRequested, return_id=return_id, lines=lines, by_customer=True)

    def approved(self, return_id: UUID) -> "Story":
        lines = [ReturnedLine(sku="tea", name="Tea", quantity=1)]
        until = self.now + timedelta(days=14)
        return self.then(ReturnApproved, return_id=return_id, lines=lines, arrive_by=until)

    def refused(self, return_id: UUID) -> "Story":
        return self.then(ReturnRejected, return_id=return_id, reason="It was worn.")

    def received(self, return_id: UUID) -> "Story":
        """Have goods come back, which may be a part of them."""
        lines = [ReceivedLine(sku="tea", name="Tea", restocked=1, written_off=0)]
        return self.then(
            ReturnReceived, return_id=return_id, receipt_id=uuid7(), lines=lines, is_complete=False
        )

    def sent_back(self) -> "Story":
        """Have two returns asked for, of which one is refused and one comes back in two parcels."""
        first, second = uuid7(), uuid7()
        self.delivered().asked(first).asked(second).refused(first).approved(second)
        return self.received(second).received(second)

    def _refunded(self) -> "Story":
        return self.then(PaymentRefunded, payment_id=self.payment_id, refund_id=uuid7(), amount=self.total)


OUTCOMES = (
    "delivered",
    "shipped",
    "declined",
    "sold_out",
    "cancelled",
    "stopped_at_once",
    "too_late",
    "captured",
)


def stories(how_many: int) -> Iterator[Story]:
    """Yield orders of every outcome, in two currencies, a minute apart."""
    for n in range(how_many):
        story = Story(EVENING + timedelta(minutes=n), "EUR" if n % 3 else "USD", tea=n % 4 + 1, pot=1)
        yield getattr(story, OUTCOMES[n % len(OUTCOMES)])()


def logged(*orders: Story) -> list[Event]:
    """Append the orders' events to the log by time, and return them."""
    events = sorted((e for story in orders for e in story.events), key=lambda event: event.meta.time)
    with transaction.atomic():
        append(events)
    return events
