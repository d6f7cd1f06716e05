"""Consumers of notifications: the events of an order that its customer is informed of."""

from collections.abc import Sequence

from inventory.events import InventoryAwaited
from notifications import erasure, reports, services
from notifications.emails import Context
from notifications.events import MailNoticeReceived, WithheldMessagesDue
from notifications.models import Kind, Recipient
from notifications.wording import amount_of, amount_text, day_of
from orders.events import (
    Customer,
    CustomerForgotten,
    OrderCancelled,
    OrderCreated,
    ReceivedLine,
    ReturnApproved,
    ReturnCancelled,
    ReturnedLine,
    ReturnExpired,
    ReturnReceived,
    ReturnRefusal,
    ReturnRejected,
    ReturnRequested,
)
from payments.events import (
    Confirmation,
    PaymentActionRequired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    Refusal,
)
from shipping.events import (
    CancellationRejected,
    OrderDelivered,
    OrderReshipped,
    OrderShipped,
    Tracking,
)
from shop.messaging.consuming import consumes
from shop.messaging.contracts import Money
from shop.privacy.sealing import open_sealed

#: Messages over one mail connection at the most. They fit well into a task's time limit.
BATCH = 100


@consumes(OrderCreated, calls_outside=True, batch=BATCH)
def when_order_created_confirm_receipt(events: Sequence[OrderCreated]) -> None:
    """Remember the recipients, then confirm their orders."""
    customers = open_sealed(events, Customer)
    services.remember_recipients(recipients=list(map(_recipient, events, customers)))
    contexts = {event.order_id: _ordered(event, one) for event, one in zip(events, customers, strict=True)}
    services.send_messages(kind=Kind.ORDER_RECEIVED, contexts=contexts)


@consumes(PaymentProcessed, calls_outside=True, batch=BATCH)
def when_payment_processed_tell_customer(events: Sequence[PaymentProcessed]) -> None:
    """Tell customers that their payment has arrived, or that the amount is reserved."""
    services.send_messages(
        kind=Kind.PAYMENT_RECEIVED, contexts={event.order_id: _paid(event) for event in events}
    )


@consumes(PaymentActionRequired, calls_outside=True)
def when_payment_action_required_ask_customer(event: PaymentActionRequired) -> None:
    """Ask the customer to confirm the payment, and say where."""
    (page,) = open_sealed([event], Confirmation)
    services.send_messages(
        kind=Kind.PAYMENT_ACTION_REQUIRED,
        contexts={event.order_id: page.model_dump()},
        about=event.meta.id,
    )


@consumes(PaymentDeclined, calls_outside=True)
def when_payment_declined_ask_customer(event: PaymentDeclined) -> None:
    """Ask the customer to pay by other means."""
    (words,) = open_sealed([event], Refusal)
    services.send_messages(
        kind=Kind.PAYMENT_DECLINED, contexts={event.order_id: words.model_dump()}, about=event.meta.id
    )


@consumes(PaymentFailed, calls_outside=True, batch=BATCH)
def when_payment_failed_tell_customer(events: Sequence[PaymentFailed]) -> None:
    """Tell customers why their payment failed."""
    words = open_sealed(events, Refusal)
    contexts = {event.order_id: one.model_dump() for event, one in zip(events, words, strict=True)}
    services.send_messages(kind=Kind.PAYMENT_FAILED, contexts=contexts)


@consumes(InventoryAwaited, calls_outside=True, batch=BATCH)
def when_inventory_awaited_tell_customer(events: Sequence[InventoryAwaited]) -> None:
    """Tell customers that their goods have to come in first."""
    services.send_messages(kind=Kind.AWAITING_STOCK, contexts={event.order_id: {} for event in events})


@consumes(PaymentRefunded, calls_outside=True)
def when_payment_refunded_tell_customer(event: PaymentRefunded) -> None:
    """Tell the customer of each refund."""
    services.send_messages(
        kind=Kind.REFUNDED, contexts={event.order_id: _refunded(event)}, about=event.refund_id
    )


@consumes(OrderShipped, calls_outside=True, batch=BATCH)
def when_order_shipped_tell_customer(events: Sequence[OrderShipped]) -> None:
    """Tell customers how to track their parcel."""
    numbers = open_sealed(events, Tracking)
    contexts = {event.order_id: _tracking(event, one) for event, one in zip(events, numbers, strict=True)}
    services.send_messages(kind=Kind.SHIPPED, contexts=contexts)


@consumes(OrderReshipped, calls_outside=True)
def when_order_reshipped_tell_customer(event: OrderReshipped) -> None:
    """Tell the customer how to track each parcel that is sent again."""
    (tracking,) = open_sealed([event], Tracking)
    services.send_messages(
        kind=Kind.SHIPPED_AGAIN,
        contexts={event.order_id: _tracking(event, tracking)},
        about=event.shipment_id,
    )


@consumes(OrderDelivered, calls_outside=True, batch=BATCH)
def when_order_delivered_tell_customer(events: Sequence[OrderDelivered]) -> None:
    """Tell customers that their parcel has arrived."""
    services.send_messages(
        kind=Kind.DELIVERED,
        contexts={event.order_id: {"day": day_of(event.delivered_at)} for event in events},
    )


@consumes(CancellationRejected, calls_outside=True, batch=BATCH)
def when_cancellation_rejected_tell_customer(events: Sequence[CancellationRejected]) -> None:
    """Tell customers that their parcel had left before they cancelled."""
    services.send_messages(kind=Kind.CANCELLATION_REJECTED, contexts={event.order_id: {} for event in events})


@consumes(OrderCancelled, calls_outside=True, batch=BATCH)
def when_order_cancelled_tell_customer(events: Sequence[OrderCancelled]) -> None:
    """Tell customers that their order is cancelled, and why."""
    services.send_messages(
        kind=Kind.CANCELLED, contexts={event.order_id: {"reason": event.reason} for event in events}
    )


@consumes(ReturnRequested, calls_outside=True)
def when_return_requested_confirm_receipt(event: ReturnRequested) -> None:
    """Tell the customer that the request for a return is here."""
    services.send_messages(
        kind=Kind.RETURN_REQUESTED,
        contexts={event.order_id: {"lines": _returned(event.lines)}},
        about=event.return_id,
    )


@consumes(ReturnApproved, calls_outside=True)
def when_return_approved_tell_customer(event: ReturnApproved) -> None:
    """Tell the customer what to send back, and until when."""
    context = {"lines": _returned(event.lines), "day": day_of(event.arrive_by)}
    services.send_messages(
        kind=Kind.RETURN_APPROVED, contexts={event.order_id: context}, about=event.return_id
    )


@consumes(ReturnRejected, calls_outside=True)
def when_return_rejected_tell_customer(event: ReturnRejected) -> None:
    """Tell the customer why the goods cannot be sent back."""
    (words,) = open_sealed([event], ReturnRefusal)
    services.send_messages(
        kind=Kind.RETURN_REJECTED,
        contexts={event.order_id: {"message": words.reason}},
        about=event.return_id,
    )


@consumes(ReturnReceived, calls_outside=True)
def when_return_received_tell_customer(event: ReturnReceived) -> None:
    """Tell the customer what is here, and what is given back for it."""
    context = {
        "lines": _returned(event.lines),
        "amount": amount_of(event.refund) if event.refund else "",
        "more": not event.is_complete,
    }
    services.send_messages(
        kind=Kind.RETURN_RECEIVED, contexts={event.order_id: context}, about=event.receipt_id
    )


@consumes(ReturnCancelled, calls_outside=True)
def when_return_cancelled_tell_customer(event: ReturnCancelled) -> None:
    """Tell the customer that nothing more is awaited."""
    services.send_messages(kind=Kind.RETURN_CANCELLED, contexts={event.order_id: {}}, about=event.return_id)


@consumes(ReturnExpired, calls_outside=True)
def when_return_expired_tell_customer(event: ReturnExpired) -> None:
    """Tell the customer that the goods did not come in time."""
    services.send_messages(kind=Kind.RETURN_EXPIRED, contexts={event.order_id: {}}, about=event.return_id)


@consumes(CustomerForgotten, calls_outside=True, batch=20)
def when_customer_forgotten_erase_messages(events: Sequence[CustomerForgotten]) -> None:
    """Erase what is personal about messages."""
    erasure.erase_messages(order_ids=[event.order_id for event in events])


@consumes(WithheldMessagesDue, calls_outside=True, batch=BATCH)
def when_withheld_messages_due_send_them(events: Sequence[WithheldMessagesDue]) -> None:
    """Send what was withheld until the customers confirmed their addresses."""
    services.send_withheld(order_ids=[event.order_id for event in events])


@consumes(MailNoticeReceived, batch=BATCH)
def when_mail_notice_received_record_report(events: Sequence[MailNoticeReceived]) -> None:
    """Record what became of messages that the provider had accepted."""
    reports.record_reports(notice_ids=[event.notice_id for event in events])


def _recipient(event: OrderCreated, customer: Customer) -> Recipient:
    return Recipient(
        order_id=event.order_id,
        number=event.number,
        name=customer.customer_name,
        email=customer.customer_email,
    )


def _paid(event: PaymentProcessed) -> Context:
    amount = amount_of(event.amount)
    return {"amount": amount} | ({"reserved": True} if amount and not event.captured else {})


def _refunded(event: PaymentRefunded) -> Context:
    how = {"otherwise": True} if event.otherwise else {"held": True} if event.held else {}
    return {"amount": amount_of(event.amount), **how}


def _ordered(event: OrderCreated, customer: Customer) -> Context:
    lines = [
        {
            "name": line.name,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price": amount_text(line.unit_price),
            "sum": amount_text(
                Money.stored(line.quantity * line.unit_price.amount, line.unit_price.currency)
            ),
        }
        for line in event.lines
    ]
    if not customer.customer_name:  # a guest, whose address nobody has confirmed: nothing that a guest wrote
        return {"total": amount_text(event.total)}
    address = customer.ship_to.model_dump()
    return {"lines": lines, "total": amount_text(event.total), "ship_to": address}


def _returned(lines: Sequence[ReturnedLine | ReceivedLine]) -> list[Context]:
    """Return names and quantities of goods that are sent back, or came back."""
    return [{"name": line.name, "quantity": line.quantity} for line in lines]


def _tracking(event: OrderShipped | OrderReshipped, tracking: Tracking) -> Context:
    return {"carrier": event.carrier, **tracking.model_dump()}
