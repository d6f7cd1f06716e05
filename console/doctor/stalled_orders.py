"""Checks of orders that stand still: lost timers, unanswered provider calls, missing steps."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from console.doctor.findings import Examination, Finding
from console.doctor.remedies import CallService, Outcome, Remedy, State, Wait
from inventory.events import InventoryRejected
from orders import services as orders
from orders.events import OrderDeadlinePassed
from orders.queries import AcceptedOrder, overdue_orders, statuses
from payments import services as payments
from payments.errors import GatewayError
from payments.queries import (
    PaymentInfo,
    open_refunds,
    payments_of,
    unanswered_payments,
    unconfirmed_payments,
)
from shipping import services as shipping
from shipping.errors import CarrierError
from shipping.events import FulfilmentStopped, ShipmentFailed, TrackingDue
from shipping.queries import travelling_parcels, unanswered_bookings
from shop.messaging.contracts import Reminder
from shop.messaging.event_log import timeline
from shop.messaging.operations.queries import PendingMessage, pending_messages

#: Problem of an order stalled in a status, and the reason recorded when it is held up.
MISSING_STEPS = {
    "paid": ("the stock never answered", "stock_overdue"),
    "in_fulfilment": ("the carrier never answered", "carrier_overdue"),
    "cancelling": ("it was never told that everything is undone", "cancellation_overdue"),
}
#: Events that require a refund, and its reason.
REFUND_REASONS = {InventoryRejected.type: "out_of_stock", ShipmentFailed.type: "shipment_failed"}


class PendingMessages:
    """Messages about a set of orders that wait in the database."""

    def __init__(self, order_ids: set[UUID]) -> None:
        self._messages: defaultdict[UUID, list[PendingMessage]] = defaultdict(list)
        for message in pending_messages(order_ids) if order_ids else ():
            self._messages[message.aggregate_id].append(message)

    def has_reminder(self, order_id: UUID, kind: type[Reminder]) -> bool:
        """Return True if a reminder is pending, or is a dead letter by now."""
        return any(message.type == kind.type for message in self._messages[order_id])

    def has_message_for(self, order_id: UUID, app: str = "") -> bool:
        """Return True if a message for ``app``, or for any app, is under way; deadlines do not count."""
        return any(
            message.place != "dead letter"
            and message.type != OrderDeadlinePassed.type
            and (not app or message.app in ("", app))
            for message in self._messages[order_id]
        )


# --- Lost timers ----------------------------------------------------------------------------------


def lost_timers(exam: Examination) -> Iterator[Finding]:
    """Yield passed deadlines, open refunds and travelling parcels without a reminder."""
    late = overdue_orders(grace=exam.grace)
    pending = PendingMessages({order.id for order in late})
    for order in late:
        if not pending.has_reminder(order.id, OrderDeadlinePassed):
            message = f"its deadline for {order.step} has passed, and no reminder is pending"
            call = partial(put_back, partial(orders.remind_of_deadline, order_id=order.id))
            yield timer(exam, order.number, message, order.id, call)
    refunds = open_refunds(grace=exam.grace)
    pending = PendingMessages({key for refund in refunds for key in (refund.order_id, refund.id)})
    for refund in refunds:
        if not any(pending.has_message_for(key, "payments") for key in (refund.order_id, refund.id)):
            message = f"its refund of {refund.amount} is {refund.state}, and no reminder is pending"
            call = partial(put_back, partial(payments.resume_refund_checks, refund_id=refund.id))
            yield timer(exam, f"order {refund.order_id}", message, refund.order_id, call)
    unconfirmed = unconfirmed_payments(grace=exam.grace)
    pending = PendingMessages({payment.order_id for payment in unconfirmed})
    for payment in unconfirmed:
        if not pending.has_message_for(payment.order_id, "payments"):
            message = f"its payment of {payment.amount} awaits the customer, and no reminder is pending"
            call = partial(put_back, partial(payments.resume_payment_checks, order_id=payment.order_id))
            yield timer(exam, payment.order_number, message, payment.order_id, call)
    parcels = travelling_parcels(grace=exam.grace)
    pending = PendingMessages({parcel.order_id for parcel in parcels})
    for parcel in parcels:
        if not pending.has_reminder(parcel.order_id, TrackingDue):
            message = "its parcel is on the way, and no tracking is scheduled"
            call = partial(put_back, partial(shipping.resume_tracking, shipment_id=parcel.id))
            yield timer(exam, parcel.order_number, message, parcel.order_id, call)


def timer(
    exam: Examination, subject: str, message: str, order_id: UUID, call: Callable[[], Outcome]
) -> Finding:
    """Return the finding of a reminder that was lost, which ``call`` puts back."""
    remedy = CallService("timer", order_id, message, "put its reminder back", call, pause=exam.grace)
    return Finding("timer", subject, message, remedy, order_id)


def put_back(service: Callable[[], object]) -> Outcome:
    """Put a reminder back by a service of its context."""
    service()
    return Outcome(State.REPAIRED, "put its reminder back")


# --- Unanswered provider calls --------------------------------------------------------------------


def unanswered_calls(exam: Examination) -> Iterator[Finding]:
    """Yield charges and bookings that were begun and that no message continues."""
    charges = unanswered_payments(grace=exam.grace)
    pending = PendingMessages({payment.order_id for payment in charges})
    for payment in charges:
        if not pending.has_message_for(payment.order_id, "payments"):
            order_id = payment.order_id
            message = f"its payment of {payment.amount} was begun, and its outcome is unknown"
            call = partial(_ask_gateway, order_id)
            subject = payment.order_number or f"order {order_id}"
            remedy = CallService("payment", order_id, message, "ask the gateway", call, pause=exam.grace)
            yield Finding("payment", subject, message, remedy, order_id)
    bookings = unanswered_bookings(grace=exam.grace)
    pending = PendingMessages({parcel.order_id for parcel in bookings})
    for parcel in bookings:
        if not pending.has_message_for(parcel.order_id, "shipping"):
            order_id = parcel.order_id
            message = f"its parcel is {parcel.state}, and the answer of the carrier is unknown"
            call = partial(_ask_carrier, order_id)
            subject = parcel.order_number or f"order {order_id}"
            remedy = CallService("parcel", order_id, message, "ask the carrier", call, pause=exam.grace)
            yield Finding("parcel", subject, message, remedy, order_id)


def _ask_gateway(order_id: UUID) -> Outcome:
    try:
        payment = payments.reconcile_payment(order_id=order_id)
    except GatewayError as error:
        return Outcome(State.UNDER_WAY, f"the gateway does not say: {error}")
    if payment.state == "processing":
        return Outcome(
            State.LEFT,
            "the gateway knows of no charge: replay its dead letter, or let its deadline cancel it",
        )
    refund = ", to be refunded" if payment.state == "succeeded" and payment.stop_requested else ""
    return Outcome(State.REPAIRED, f"asked the gateway: {payment.state}{refund}")


def _ask_carrier(order_id: UUID) -> Outcome:
    try:
        shipment = shipping.reconcile_booking(order_id=order_id)
    except CarrierError as error:
        return Outcome(State.UNDER_WAY, f"the carrier does not say: {error}")
    if shipment.can_be_stopped:
        return Outcome(
            State.LEFT, "the carrier knows of no parcel: replay its dead letter, or cancel the order"
        )
    return Outcome(State.REPAIRED, f"asked the carrier: {shipment.state}")


# --- Parcels that never arrive ---------------------------------------------------------------------


def overdue_parcels(exam: Examination) -> Iterator[Finding]:
    """Yield shipped orders whose parcels have travelled for too long, whatever the carrier says."""
    parcels = travelling_parcels(grace=settings.SHOP_DELIVERY_DEADLINE)
    status_of = statuses([parcel.order_id for parcel in parcels])
    for parcel in parcels:
        if status_of.get(parcel.order_id) == "shipped" and parcel.order_id not in exam.being_repaired:
            message = f"its parcel has travelled for more than {settings.SHOP_DELIVERY_DEADLINE.days} days"
            remedy = hold_up(parcel.order_id, "shipped", "delivery_overdue", message)
            yield Finding("overdue", parcel.order_number, message, remedy, parcel.order_id)


# --- Missing steps --------------------------------------------------------------------------------


def stalled_orders(exam: Examination) -> Iterator[Finding]:
    """Yield orders in progress whose events are all consumed, and about which no message is under way."""
    since = timezone.now() - exam.grace
    waiting = [o for o in exam.report.waiting if o.changed_at < since and o.id not in exam.being_repaired]
    pending = PendingMessages({order.id for order in waiting})
    # Open refunds have timers of their own.
    refunds = {refund.order_id for refund in open_refunds(grace=timedelta(0))}
    for order in waiting:
        if order.id not in refunds and not pending.has_message_for(order.id):
            message, remedy = _stalled(exam, order)
            yield Finding("stalled", order.number, message, remedy, order.id)


def _stalled(exam: Examination, order: AcceptedOrder) -> tuple[str, Remedy]:
    if order.status == "placed":
        return "it is not paid, and no payment is under way", Wait("its deadline cancels it")
    if order.status == "cancelling" and (reason := _refund_reason(order.id)):
        message = "its money was never given back"
        call = partial(_refund, order.id, reason)
        action = "have it voided or refunded"
        return message, CallService("refund", order.id, message, action, call, pause=exam.grace)
    message, reason = MISSING_STEPS[order.status]
    return message, hold_up(order.id, order.status, reason, message)


def _refund_reason(order_id: UUID) -> str:
    """Return the reason to give money back; empty if that is under way, or none is held or taken."""
    if not any(
        payment.state == "requires_capture" or payment.is_to_be_refunded for payment in payments_of(order_id)
    ):
        return ""
    for entry in timeline(order_id):
        if entry.type == FulfilmentStopped.type:
            return str(entry.data["reason"])
        if entry.type in REFUND_REASONS:
            return REFUND_REASONS[entry.type]
    return ""


def _refund(order_id: UUID, reason: str) -> Outcome:
    try:
        payments.stop_payment(order_id=order_id, reason=reason)
    except GatewayError as error:
        return Outcome(State.UNDER_WAY, f"the gateway does not say: {error}")
    states = [state for one in payments_of(order_id) for state in _states(one)]
    return Outcome(State.REPAIRED, f"asked for its money: {states[-1]}")


def _states(payment: PaymentInfo) -> list[str]:
    return [payment.state, *(refund.state for refund in payment.refunds)]


def hold_up(order_id: UUID, status: str, reason: str, message: str) -> CallService:
    """Return the remedy that puts an order to needs_attention.

    If an operator resumes the order, it is left alone for a day.
    """
    return CallService(
        "attention",
        order_id,
        message,
        f"have an operator look at it ({reason})",
        partial(_hold_up, order_id, status, reason, message),
        pause=timedelta(days=1),
        outcome_in_pause=Outcome(State.LEFT, "an operator let it go on: its page has the actions"),
    )


def _hold_up(order_id: UUID, status: str, reason: str, message: str) -> Outcome:
    held = orders.hold_up_order(order_id=order_id, seen=status, reason=reason, note=f"doctor: {message}")
    if not held:
        return Outcome(State.UNDER_WAY, "it moved on meanwhile")
    return Outcome(State.HANDED_OVER, f"needs attention now ({reason}): its page has the actions")
