"""THE CHAIN in one table: event -> reacting app -> outcomes.

It steers nothing: a test holds it equal to what the consumers register, and
``manage.py choreography`` renders it as ``docs/choreography.md``.
"""

from typing import NamedTuple

from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
)
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderDeadlinePassed,
    OrderNeedsAttention,
)
from payments.events import (
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundCheckDue,
    RefundFailed,
)
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
    TrackingDue,
)
from shop.messaging.contracts import Event


class Reaction(NamedTuple):
    """``app`` reacts to ``event`` and may publish any of ``outcomes``."""

    event: type[Event]
    app: str
    outcomes: tuple[type[Event], ...] = ()


_REFUND = (PaymentRefunded, RefundFailed)

CHAIN: tuple[Reaction, ...] = (
    Reaction(OrderCreated, "payments", (PaymentProcessed, PaymentFailed, PaymentVoided)),
    Reaction(OrderCreated, "inventory"),
    Reaction(OrderCreated, "shipping"),
    Reaction(PaymentProcessed, "orders"),
    Reaction(PaymentProcessed, "inventory", (InventoryUpdated, InventoryRejected)),
    Reaction(PaymentFailed, "orders", (OrderCancelled,)),
    Reaction(InventoryUpdated, "orders"),
    Reaction(InventoryUpdated, "shipping", (OrderShipped, ShipmentFailed)),
    Reaction(InventoryRejected, "orders", (OrderCancelled,)),
    Reaction(InventoryRejected, "payments", _REFUND),
    Reaction(OrderShipped, "orders"),
    Reaction(ShipmentFailed, "orders", (OrderCancelled,)),
    Reaction(ShipmentFailed, "inventory", (InventoryRestocked,)),
    Reaction(ShipmentFailed, "payments", _REFUND),
    Reaction(TrackingDue, "shipping", (OrderDelivered, DeliveryFailed)),
    Reaction(OrderDelivered, "orders"),
    Reaction(DeliveryFailed, "orders", (OrderNeedsAttention,)),
    Reaction(OrderDeadlinePassed, "orders", (OrderCancellationRequested, OrderNeedsAttention)),
    Reaction(OrderCancellationRequested, "shipping", (FulfilmentStopped, CancellationRejected)),
    Reaction(CancellationRejected, "orders"),
    Reaction(FulfilmentStopped, "orders", (OrderCancelled,)),
    Reaction(FulfilmentStopped, "inventory", (InventoryRestocked, InventoryReleased)),
    Reaction(FulfilmentStopped, "payments", (PaymentVoided, *_REFUND)),
    Reaction(RefundCheckDue, "payments", _REFUND),
    Reaction(PaymentVoided, "orders", (OrderCancelled,)),
    Reaction(PaymentRefunded, "orders", (OrderCancelled,)),
    Reaction(RefundFailed, "orders", (OrderNeedsAttention,)),
    Reaction(InventoryRestocked, "orders", (OrderCancelled,)),
    Reaction(InventoryReleased, "orders", (OrderCancelled,)),
    *(
        Reaction(event, "notifications")
        for event in (
            OrderCreated,
            PaymentProcessed,
            PaymentFailed,
            PaymentRefunded,
            OrderShipped,
            OrderDelivered,
            CancellationRejected,
            OrderCancelled,
        )
    ),
    *(
        Reaction(event, "analytics")
        for event in (
            OrderCreated,
            PaymentProcessed,
            PaymentFailed,
            PaymentVoided,
            PaymentRefunded,
            RefundFailed,
            InventoryUpdated,
            InventoryRejected,
            InventoryRestocked,
            InventoryReleased,
            OrderShipped,
            ShipmentFailed,
            FulfilmentStopped,
            CancellationRejected,
            OrderDelivered,
            DeliveryFailed,
            OrderCancellationRequested,
            OrderCancelled,
            OrderNeedsAttention,
        )
    ),
)
