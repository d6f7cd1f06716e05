"""Events of one customer's order."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from inventory.events import InventoryAwaited
from orders.events import (
    Address,
    OrderCancelled,
    OrderCreated,
    OrderedLine,
    ReceivedLine,
    ReturnApproved,
    ReturnCancelled,
    ReturnedLine,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from payments.events import (
    PaymentActionRequired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
)
from shipping.events import CancellationRejected, OrderDelivered, OrderReshipped, OrderShipped
from shop.ids import uuid7
from shop.messaging.contracts import Event, Money
from shop.messaging.publishing import publish
from tests.support.sealed import sealed_event


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def order_created(
    number: str = "ORD-1042",
    *,
    name: str = "Alice Liddell",
    email: str = "alice@example.com",
    tea: str = "Tea",
) -> OrderCreated:
    """Return the event of an order of two tins of tea and a pot."""
    return sealed_event(
        OrderCreated,
        order_id=uuid7(),
        number=number,
        customer_id=7,
        customer_name=name,
        customer_email=email,
        lines=(
            OrderedLine(sku="TEA-1", name=tea, quantity=2, unit_price=eur("9.95")),
            OrderedLine(sku="POT-1", name="Pot", quantity=1, unit_price=eur("30.00")),
        ),
        total=eur("49.90"),
        payment_method="pm_card_visa",
        ship_to=Address(
            name=name, street="1 Rabbit Hole", city="Oxford", postal_code="OX1 1AA", country="GB"
        ),
    )


#: The only link of all e-mails: where the customer confirms a payment.
CONFIRM_URL = "https://hooks.stripe.com/redirect/authenticate/src_1042"


def later_events(order_id: UUID) -> list[Event]:
    """Return one event of each other kind that a customer is informed of."""
    paid = {"order_id": order_id, "payment_id": uuid7()}
    parcel = {"order_id": order_id, "shipment_id": uuid7()}
    return [
        PaymentProcessed(**paid, amount=eur("49.90")),
        sealed_event(PaymentActionRequired, **paid, attempt=1, confirm_url=CONFIRM_URL),
        sealed_event(
            PaymentDeclined, **paid, attempt=1, code="expired_card", message="Your card has expired."
        ),
        InventoryAwaited(order_id=order_id, shortages=()),
        sealed_event(PaymentFailed, **paid, code="expired_card", message="Your card has expired."),
        PaymentRefunded(**paid, refund_id=uuid7(), amount=eur("49.90")),
        sealed_event(OrderShipped, **parcel, carrier="UPS", tracking_number="EZ1000000001"),
        sealed_event(OrderReshipped, **parcel, carrier="UPS", tracking_number="EZ1000000001"),
        OrderDelivered(**parcel, delivered_at=datetime(2026, 3, 5, 9, tzinfo=UTC)),
        CancellationRejected(order_id=order_id, reason="customer"),
        OrderCancelled(order_id=order_id, number="ORD-1042", reason="out_of_stock"),
        *events_of_a_return(order_id),
    ]


def events_of_a_return(order_id: UUID) -> list[Event]:
    """Return one event of each kind about a return."""
    about = {"order_id": order_id, "return_id": uuid7()}
    lines = (ReturnedLine(sku="TEA-1", name="Tea", quantity=2),)
    return [
        ReturnRequested(**about, lines=lines, by_customer=True),
        ReturnApproved(**about, lines=lines, arrive_by=datetime(2026, 3, 26, 9, tzinfo=UTC)),
        sealed_event(ReturnRejected, **about, reason="The tins are empty."),
        goods_received(**about),
        ReturnCancelled(**about),
        ReturnExpired(**about),
    ]


def goods_received(order_id: UUID, return_id: UUID) -> ReturnReceived:
    """Return the event of one of two tins that came back broken, and is paid back."""
    return ReturnReceived(
        order_id=order_id,
        return_id=return_id,
        receipt_id=uuid7(),
        lines=(ReceivedLine(sku="TEA-1", name="Tea", restocked=0, written_off=1),),
        is_complete=False,
        refund=eur("9.95"),
        refund_id=uuid7(),
    )


def published(event: Event) -> Event:
    """Publish an event, and return it as its consumers get it."""
    with transaction.atomic():
        return publish(event)
