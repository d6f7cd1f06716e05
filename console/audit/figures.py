"""Whether the figures of analytics, made from events alone, say what the contexts' own books say."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from analytics.queries import days_that_disagree, quantities_moved, revenue_in_all
from console.audit.cases import Case
from inventory.events import InventoryRejected, InventoryReleased, InventoryRestocked, InventoryUpdated
from inventory.queries import StockFacts
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderNeedsAttention,
)
from payments.events import PaymentFailed, PaymentProcessed, PaymentRefunded, PaymentVoided, RefundFailed
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
)
from shop.messaging.contracts import Event

#: The step of an order that each event counts as.
STEPS: dict[type[Event], str] = {
    OrderCreated: "placed",
    PaymentProcessed: "paid",
    PaymentFailed: "payment_failed",
    PaymentVoided: "payment_voided",
    PaymentRefunded: "refunded",
    RefundFailed: "refund_failed",
    InventoryUpdated: "stocked",
    InventoryRejected: "out_of_stock",
    InventoryRestocked: "restocked",
    InventoryReleased: "stock_released",
    OrderShipped: "shipped",
    ShipmentFailed: "shipment_failed",
    FulfilmentStopped: "fulfilment_stopped",
    OrderCancellationRequested: "cancellation_requested",
    CancellationRejected: "cancellation_rejected",
    OrderDelivered: "delivered",
    DeliveryFailed: "delivery_failed",
    OrderCancelled: "cancelled",
    OrderNeedsAttention: "needs_attention",
}


def figures(case: Case) -> Iterator[str]:
    """The figures show exactly the steps of an order that the log tells of."""
    if not case.is_quiet or not case.is_counted:
        return
    happened = {step for event, step in STEPS.items() if case.says(event)}
    for step in sorted(happened - case.steps):
        yield f"the figures miss that it is {step}"
    for step in sorted(case.steps - happened):
        yield f"the figures say that it is {step}, which did not happen"


class Totals:
    """What the books add up to, to be compared with what the figures add up to."""

    def __init__(self) -> None:
        self._money: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])

    def add(self, case: Case) -> None:
        """Count what was captured and refunded for an order."""
        if not case.order:
            return
        for balance in case.balances:
            self._money[case.order.currency][0] += balance.captured
            self._money[case.order.currency][1] += balance.refunded

    def differences(self, products: list[StockFacts]) -> Iterator[tuple[str, str]]:
        """What is wrong about which figure; asked only when all events are consumed."""
        for day, currency in days_that_disagree():
            yield f"{day} {currency}", "the day's orders are not what the single orders add up to"
        shown = revenue_in_all()
        for currency, (captured, refunded) in sorted(self._money.items()):
            if shown.get(currency, (0, 0)) != (captured, refunded):
                yield (
                    currency,
                    f"captured {captured:,.2f} and refunded {refunded:,.2f}, which no figure shows",
                )
        moved = quantities_moved()
        for product in products:
            books = (-product.movements.get("sold", 0), product.movements.get("restocked", 0))
            if moved.get(product.sku, (0, 0)) != books:
                yield product.sku, f"{books[0]} were sold and {books[1]} came back, which no figure shows"
