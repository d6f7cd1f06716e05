"""Consumers of inventory."""

from collections.abc import Sequence

from inventory import replacements, services, taking_back
from inventory.events import (
    InventoryAwaited,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
    InventoryUpdated,
    ReplacementRejected,
    ReplacementTaken,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
    StockWrittenOff,
)
from orders.events import (
    OrderCreated,
    OrderResendRequested,
    OrderSettled,
    RefundRequested,
    ReturnReceived,
)
from payments.events import PaymentFailed, PaymentProcessed
from shipping.events import FulfilmentStopped, ResendFailed, ShipmentFailed
from shop.messaging.consuming import consumes


@consumes(
    OrderCreated,
    emits=(InventoryReserved, InventoryRejected),
    batch=100,
    was="when_order_created_remember_its_lines",
)
def when_order_created_reserve_stock(events: Sequence[OrderCreated]) -> None:
    """Reserve all lines of a new order, or reject it."""
    services.reserve_stock(lines={e.order_id: [(x.sku, x.quantity) for x in e.lines] for e in events})


@consumes(PaymentProcessed, emits=(InventoryUpdated, InventoryAwaited, InventoryRejected), batch=100)
def when_payment_processed_deduct_stock(events: Sequence[PaymentProcessed]) -> None:
    """Take what is reserved for a paid order from the stock, or have it wait for goods."""
    services.deduct_stock(order_ids=[event.order_id for event in events])


@consumes(PaymentFailed, emits=(InventoryReleased,), batch=100)
def when_payment_failed_release_stock(events: Sequence[PaymentFailed]) -> None:
    """Release what is reserved for an order that cannot be paid."""
    services.stop_orders(order_ids=[event.order_id for event in events])


@consumes(ShipmentFailed, emits=(InventoryRestocked,), batch=100)
def when_shipment_failed_restock(events: Sequence[ShipmentFailed]) -> None:
    """Put the stock of a parcel that the carrier refused back."""
    services.restock(order_ids=[event.order_id for event in events])


@consumes(FulfilmentStopped, emits=(InventoryRestocked, InventoryReleased), batch=100)
def when_fulfilment_stopped_restock_or_release(events: Sequence[FulfilmentStopped]) -> None:
    """Put the stock of a stopped order back, or release it."""
    services.stop_orders(order_ids=[event.order_id for event in events])


@consumes(RefundRequested, emits=(StockReturned,))
def when_refund_requested_take_goods_back(event: RefundRequested) -> None:
    """Put the goods of a refund into the stock, if they are back."""
    if event.restock:
        lines = {line.sku: line.quantity for line in event.lines}
        taking_back.take_back(order_id=event.order_id, returned_with=event.refund_id, lines=lines)


@consumes(ReturnReceived, emits=(StockReturned,))
def when_return_received_take_goods_back(event: ReturnReceived) -> None:
    """Put the goods of a return into the stock, but for those that are written off."""
    if lines := {line.sku: line.restocked for line in event.lines if line.restocked}:
        taking_back.take_back(order_id=event.order_id, returned_with=event.receipt_id, lines=lines)


@consumes(OrderResendRequested, emits=(ReplacementTaken, ReplacementRejected, StockAdjusted))
def when_resend_requested_take_other_goods(event: OrderResendRequested) -> None:
    """Take the lines of an order again, if its parcel does not come back."""
    if event.new_goods:
        replacements.take_replacement(
            order_id=event.order_id, shipment_id=event.shipment_id, number=event.number
        )


@consumes(ResendFailed, emits=(StockAdjusted,))
def when_resend_failed_put_goods_back(event: ResendFailed) -> None:
    """Put back what was taken for a parcel that the carrier refused."""
    if event.took_goods:
        replacements.put_replacement_back(order_id=event.order_id)


@consumes(OrderSettled, emits=(InventoryReleased,), low_priority=True)
def when_order_settled_release_stock(events: Sequence[OrderSettled]) -> None:
    """Release what is still reserved for an order that an operator ended."""
    services.release_settled(order_ids=[event.order_id for event in events])


@consumes(StockWrittenOff, low_priority=True)
def when_stock_written_off_report_what_is_sold_out(events: Sequence[StockWrittenOff]) -> None:
    """Report products on sale that a loss left sold out."""
    services.report_sold_out(product_ids=[event.product_id for event in events])


# --- Goods for orders that wait ------------------------------------------------------------------


@consumes(StockReceived, emits=(InventoryUpdated, InventoryReserved), batch=100)
def when_stock_received_serve_waiting_orders(events: Sequence[StockReceived]) -> None:
    """Serve the oldest orders that wait for goods."""
    services.serve_waiting_orders()


@consumes(StockCounted, emits=(InventoryUpdated, InventoryReserved), low_priority=True)
def when_stock_counted_serve_waiting_orders(events: Sequence[StockCounted]) -> None:
    """Report products that a count found sold out, and serve the oldest orders that wait for goods."""
    services.follow_changes(product_ids=[event.product_id for event in events])


@consumes(
    StockAdjusted,
    emits=(InventoryUpdated, InventoryReserved),
    low_priority=True,
    was="when_stock_adjusted_report_what_is_sold_out",
)
def when_stock_adjusted_serve_waiting_orders(events: Sequence[StockAdjusted]) -> None:
    """Report products that are sold out now, and serve the oldest orders that wait for goods."""
    services.follow_changes(product_ids=[event.product_id for event in events])


@consumes(StockReturned, emits=(InventoryUpdated, InventoryReserved), batch=100)
def when_stock_returned_serve_waiting_orders(events: Sequence[StockReturned]) -> None:
    """Serve the oldest orders that wait for goods from those that came back."""
    services.serve_waiting_orders()


@consumes(InventoryRestocked, emits=(InventoryUpdated, InventoryReserved), batch=100)
def when_inventory_restocked_serve_waiting_orders(events: Sequence[InventoryRestocked]) -> None:
    """Serve the oldest orders that wait for goods from what a stopped one had taken."""
    services.serve_waiting_orders()


@consumes(InventoryReleased, emits=(InventoryUpdated, InventoryReserved), batch=100)
def when_inventory_released_serve_waiting_orders(events: Sequence[InventoryReleased]) -> None:
    """Serve the oldest orders that wait for goods from what an ended one had reserved."""
    services.serve_waiting_orders()
