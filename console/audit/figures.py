"""Rules for the figures of analytics: built from events alone, they must match the contexts' own books."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from analytics.queries import ShownOrder, days_that_disagree, quantities_moved, revenue_in_all
from console.audit.cases import Case
from inventory.events import (
    InventoryRejected,
    InventoryReleased,
    InventoryRestocked,
    InventoryUpdated,
    StockReturned,
)
from inventory.queries import StockFacts
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderNeedsAttention,
    OrderResumed,
    OrderSettled,
    ReturnApproved,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from orders.queries import AcceptedOrder
from payments.events import (
    PaymentCaptured,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundFailed,
)
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ShipmentFailed,
)
from shop.currencies import as_text
from shop.messaging.contracts import Event

#: Step of an order that analytics records for each event.
STEPS: dict[type[Event], str] = {
    OrderCreated: "placed",
    PaymentProcessed: "paid",
    PaymentCaptured: "captured",
    PaymentFailed: "payment_failed",
    PaymentVoided: "payment_voided",
    PaymentRefunded: "refunded",
    RefundFailed: "refund_failed",
    InventoryUpdated: "stocked",
    InventoryRejected: "out_of_stock",
    InventoryRestocked: "restocked",
    StockReturned: "restocked",
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
    OrderResumed: "resumed",
    OrderSettled: "settled",
    ReturnRequested: "return_requested",
    ReturnApproved: "return_approved",
    ReturnRejected: "return_rejected",
    ReturnReceived: "return_received",
}


def figures(case: Case) -> Iterator[str]:
    """Check that the figures show exactly the steps of an order that the log contains, and it as it is."""
    if not case.is_caught_up or not case.is_counted:
        return
    happened = {step for event, step in STEPS.items() if case.count(event)}
    for step in sorted(happened - case.steps):
        yield f"the figures miss that it is {step}"
    for step in sorted(case.steps - happened):
        yield f"the figures say that it is {step}, which did not happen"
    if case.order and case.shown and not case.differences:
        yield from _differences(case.order, case.shown)


#: Statuses that analytics does not tell apart: a paid order that waits for goods is paid.
_AS_SHOWN = {"awaiting_stock": "paid"}


def _differences(order: AcceptedOrder, shown: ShownOrder) -> Iterator[str]:
    """Yield how an order in the read model differs from the order."""
    if shown.number != order.number:
        yield f"the figures call it {shown.number or 'by no number'}"
    if shown.status != _AS_SHOWN.get(order.status, order.status):
        yield f"the figures show it as {shown.status}, though it is {order.status}"
    if (shown.total, shown.currency) != (order.total, order.currency):
        yield f"the figures show a total of {as_text(shown.total, shown.currency)}"
    if shown.skus != sorted(order.lines):
        yield f"the figures show {', '.join(shown.skus or ['nothing'])} as its products"


class Totals:
    """Totals of the books, to be compared with those of analytics."""

    def __init__(self) -> None:
        self._money: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])

    def add(self, case: Case) -> None:
        """Add the money captured and refunded for an order."""
        if not case.order:
            return
        for balance in case.balances:
            self._money[case.order.currency][0] += balance.captured
            self._money[case.order.currency][1] += balance.refunded

    def differences(self, products: list[StockFacts]) -> Iterator[tuple[str, str]]:
        """Yield subject and message of each difference. Call it only when all events are consumed."""
        for day, currency in days_that_disagree():
            yield f"{day} {currency}", "the day's orders and returns are not what the single orders add up to"
        shown = revenue_in_all()
        for currency, (captured, refunded) in sorted(self._money.items()):
            if shown.get(currency, (0, 0)) != (captured, refunded):
                yield (
                    currency,
                    f"captured {as_text(captured, currency, thousands=',')} and refunded "
                    f"{as_text(refunded, currency, thousands=',')}, which no figure shows",
                )
        moved = quantities_moved()
        for product in products:
            back = product.movements.get("restocked", 0) + product.movements.get("returned", 0)
            books = (-product.movements.get("sold", 0), back)
            if moved.get(product.sku, (0, 0)) != books:
                yield product.sku, f"{books[0]} were sold and {books[1]} came back, which no figure shows"
