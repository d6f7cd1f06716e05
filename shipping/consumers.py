"""Consumers of shipping."""

from collections.abc import Sequence

from inventory.events import InventoryUpdated, ReplacementRejected, ReplacementTaken
from orders.events import (
    Customer,
    CustomerForgotten,
    OrderCancellationRequested,
    OrderCreated,
    OrderNeedsAttention,
    OrderResendRequested,
    OrderResumed,
    Recipient,
)
from shipping import erasure, holding, notices, resending, services
from shipping.carrier import Destination
from shipping.events import (
    BookingDue,
    CancellationRejected,
    CarrierNoticeReceived,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderReshipped,
    OrderShipped,
    ResendFailed,
    ShipmentFailed,
    StopDue,
    TrackingDue,
)
from shop.messaging.consuming import consumes
from shop.privacy.sealing import open_sealed

#: Reason for attention for which a parcel that has not been booked has to wait.
DISPUTED = "disputed"


@consumes(OrderCreated)
def when_order_created_remember_address(events: Sequence[OrderCreated]) -> None:
    """Remember the destinations of new orders."""
    services.remember_orders(orders=list(map(_placed, events, open_sealed(events, Customer))))


def _placed(event: OrderCreated, customer: Customer) -> services.PlacedOrder:
    return services.PlacedOrder(event.order_id, event.number, Destination.of(customer.ship_to))


@consumes(InventoryUpdated, emits=(OrderShipped, ShipmentFailed), calls_outside=True, batch=100)
def when_inventory_updated_book_carrier(events: Sequence[InventoryUpdated]) -> None:
    """Hand the parcels of orders that are paid and in stock to the carrier."""
    services.book_shipments(order_ids=[event.order_id for event in events])


@consumes(OrderNeedsAttention)
def when_order_needs_attention_hold_disputed_shipment(event: OrderNeedsAttention) -> None:
    """Hold the parcel of an order whose payment is disputed."""
    if event.reason == DISPUTED:
        holding.hold_shipment(order_id=event.order_id)


@consumes(OrderResumed)
def when_order_resumed_release_disputed_shipment(event: OrderResumed) -> None:
    """Let the parcel go of an order that was held up for a dispute."""
    if event.attention == DISPUTED:
        holding.release_shipment(order_id=event.order_id)


@consumes(BookingDue, emits=(OrderShipped, ShipmentFailed), calls_outside=True, batch=100)
def when_booking_due_book_carrier(events: Sequence[BookingDue]) -> None:
    """Hand the parcels to the carrier that were on hold."""
    services.book_shipments(order_ids=[event.order_id for event in events])


@consumes(OrderCancellationRequested, emits=(FulfilmentStopped, CancellationRejected), calls_outside=True)
def when_cancellation_requested_stop_shipment(event: OrderCancellationRequested) -> None:
    """Stop the shipment of an order, or reject the cancellation if the parcel has left."""
    services.stop_shipment(order_id=event.order_id, reason=event.reason)


@consumes(StopDue, emits=(FulfilmentStopped, CancellationRejected), calls_outside=True)
def when_stop_due_finish_it(event: StopDue) -> None:
    """Finish an operator's stop that the carrier did not answer."""
    services.finish_stop(order_id=event.order_id)


@consumes(TrackingDue, emits=(OrderDelivered, DeliveryFailed), calls_outside=True, batch=100)
def when_tracking_due_ask_carrier(events: Sequence[TrackingDue]) -> None:
    """Track parcels under way."""
    services.track_parcels(looks={event.order_id: event.late_look for event in events})


@consumes(CarrierNoticeReceived, emits=(OrderDelivered, DeliveryFailed), calls_outside=True)
def when_carrier_notice_received_ask_carrier(event: CarrierNoticeReceived) -> None:
    """Ask the carrier for the scans of the parcel that it has sent word of."""
    notices.follow_notice(notice_id=event.notice_id)


@consumes(OrderResendRequested, emits=(OrderReshipped, ResendFailed), calls_outside=True)
def when_resend_requested_send_again(event: OrderResendRequested) -> None:
    """Hand another parcel of an order to the carrier, unless its goods are to be taken first."""
    [recipient] = open_sealed([event], Recipient)
    resending.send_again(_resend(event, recipient))


def _resend(event: OrderResendRequested, recipient: Recipient) -> resending.Resend:
    return resending.Resend(
        order_id=event.order_id,
        shipment_id=event.shipment_id,
        number=event.number,
        destination=Destination.of(recipient.ship_to),
        new_goods=event.new_goods,
    )


@consumes(ReplacementTaken, emits=(OrderReshipped, ResendFailed), calls_outside=True)
def when_replacement_taken_book_carrier(event: ReplacementTaken) -> None:
    """Hand a parcel with other goods to the carrier."""
    resending.book_replacement(shipment_id=event.shipment_id)


@consumes(ReplacementRejected, emits=(ResendFailed,))
def when_replacement_rejected_give_it_up(event: ReplacementRejected) -> None:
    """Give up a parcel for which there are no goods."""
    resending.fail_replacement(shipment_id=event.shipment_id)


@consumes(CustomerForgotten, calls_outside=True, batch=100)
def when_customer_forgotten_erase_shipment(events: Sequence[CustomerForgotten]) -> None:
    """Erase what is personal about shipments, in the carrier's books too."""
    erasure.erase_shipments(order_ids=[event.order_id for event in events])
