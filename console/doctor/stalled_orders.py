"""Findings about orders that stand still: lost timers, unanswered questions, steps that never came."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.utils import timezone

from console.doctor.findings import Examination, Finding
from console.doctor.remedies import Act, Outcome, Remedy, State, Wait
from inventory.events import InventoryRejected
from orders import services as orders
from orders.events import OrderDeadlinePassed
from orders.queries import AcceptedOrder, overdue_orders
from payments import services as payments
from payments.errors import GatewayError
from payments.queries import open_refunds, payments_of, unanswered_payments
from shipping import services as shipping
from shipping.errors import CarrierError
from shipping.events import FulfilmentStopped, ShipmentFailed, TrackingDue
from shipping.queries import travelling_parcels, unanswered_bookings
from shop.messaging.contracts import Reminder
from shop.messaging.event_log import timeline
from shop.messaging.operations.queries import PendingMessage, pending_messages

#: What an order in this status waits for, and the reason for which it needs attention if that never comes.
NEVER_CAME = {
    "paid": ("the stock never answered", "stock_overdue"),
    "in_fulfilment": ("the carrier never answered", "carrier_overdue"),
    "cancelling": ("it was never told that everything is undone", "cancellation_overdue"),
}
#: Whoever finds this in the log refunds the customer, for this reason.
REFUNDED_BECAUSE = {InventoryRejected.type: "out_of_stock", ShipmentFailed.type: "shipment_failed"}


class Waiting:
    """The messages about some orders that wait in the database."""

    def __init__(self, order_ids: set[UUID]) -> None:
        self._messages: defaultdict[UUID, list[PendingMessage]] = defaultdict(list)
        for message in pending_messages(order_ids) if order_ids else ():
            self._messages[message.aggregate_id].append(message)

    def reminded(self, order_id: UUID, kind: type[Reminder]) -> bool:
        """Whether this reminder is somewhere, even if it is a dead letter by now."""
        return any(message.type == kind.type for message in self._messages[order_id])

    def moved(self, order_id: UUID, app: str = "") -> bool:
        """Whether a message for ``app``, or for anybody, is under way; an order's deadline moves nothing."""
        return any(
            message.place != "dead letter"
            and message.type != OrderDeadlinePassed.type
            and (not app or message.app in ("", app))
            for message in self._messages[order_id]
        )


# --- Timers that are lost ----------------------------------------------------------------------


def lost_timers(exam: Examination) -> Iterator[Finding]:
    """Deadlines, refunds and parcels that nothing reminds anybody of any more."""
    late = overdue_orders(grace=exam.grace)
    waiting = Waiting({order.id for order in late})
    for order in late:
        if not waiting.reminded(order.id, OrderDeadlinePassed):
            says = f"its deadline for {order.step} has passed, and nothing reminds it"
            act = partial(_put_back, partial(orders.remind_of_deadline, order_id=order.id))
            yield _timer(exam, order.number, says, order.id, act)
    refunds = open_refunds(grace=exam.grace)
    waiting = Waiting({refund.order_id for refund in refunds})
    for refund in refunds:
        if not waiting.moved(refund.order_id, "payments"):
            says = f"its refund of {refund.amount} is {refund.state}, and nobody asks after it"
            act = partial(_put_back, partial(payments.look_after_refund, refund_id=refund.id))
            yield _timer(exam, f"order {refund.order_id}", says, refund.order_id, act)
    parcels = travelling_parcels(grace=exam.grace)
    waiting = Waiting({parcel.order_id for parcel in parcels})
    for parcel in parcels:
        if not waiting.reminded(parcel.order_id, TrackingDue):
            says = "its parcel is on the way, and nobody asks where it is"
            act = partial(_put_back, partial(shipping.look_after_parcel, shipment_id=parcel.id))
            yield _timer(exam, parcel.order_number, says, parcel.order_id, act)


def _timer(exam: Examination, about: str, says: str, order_id: UUID, act: Callable[[], Outcome]) -> Finding:
    remedy = Act("timer", order_id, says, "put its reminder back", act, pause=exam.grace)
    return Finding("timer", about, says, remedy, order_id)


def _put_back(service: Callable[[], object]) -> Outcome:
    service()
    return Outcome(State.REPAIRED, "put its reminder back")


# --- Providers that never answered ---------------------------------------------------------------


def unanswered(exam: Examination) -> Iterator[Finding]:
    """Charges and bookings that were begun, and that nobody carries on."""
    charges = unanswered_payments(grace=exam.grace)
    waiting = Waiting({payment.order_id for payment in charges})
    for payment in charges:
        if not waiting.moved(payment.order_id, "payments"):
            says = f"its payment of {payment.amount} was begun, and nobody knows how it ended"
            act = partial(_ask_gateway, payment.order_id)
            about = payment.order_number or f"order {payment.order_id}"
            remedy = Act("payment", payment.order_id, says, "ask the gateway", act, pause=exam.grace)
            yield Finding("payment", about, says, remedy, payment.order_id)
    bookings = unanswered_bookings(grace=exam.grace)
    waiting = Waiting({parcel.order_id for parcel in bookings})
    for parcel in bookings:
        if not waiting.moved(parcel.order_id, "shipping"):
            says = f"its parcel is {parcel.state}, and nobody knows whether the carrier takes it"
            act = partial(_ask_carrier, parcel.order_id)
            about = parcel.order_number or f"order {parcel.order_id}"
            remedy = Act("parcel", parcel.order_id, says, "ask the carrier", act, pause=exam.grace)
            yield Finding("parcel", about, says, remedy, parcel.order_id)


def _ask_gateway(order_id: UUID) -> Outcome:
    try:
        payment = payments.ask_about_payment(order_id=order_id)
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
        shipment = shipping.ask_about_booking(order_id=order_id)
    except CarrierError as error:
        return Outcome(State.UNDER_WAY, f"the carrier does not say: {error}")
    if shipment.can_be_stopped:
        return Outcome(
            State.LEFT, "the carrier knows of no parcel: replay its dead letter, or cancel the order"
        )
    return Outcome(State.REPAIRED, f"asked the carrier: {shipment.state}")


# --- Steps that never came -----------------------------------------------------------------------


def stalled(exam: Examination) -> Iterator[Finding]:
    """Orders that wait for a step, though every event about them is consumed and nothing is under way."""
    since = timezone.now() - exam.grace
    resting = [o for o in exam.report.resting if o.changed_at < since and o.id not in exam.in_care]
    waiting = Waiting({order.id for order in resting})
    for order in resting:
        if not waiting.moved(order.id):
            says, remedy = _stalled(exam, order)
            yield Finding("stalled", order.number, says, remedy, order.id)


def _stalled(exam: Examination, order: AcceptedOrder) -> tuple[str, Remedy]:
    if order.status == "placed":
        return "payments never answered", Wait("its deadline cancels it")
    if order.status == "cancelling" and (reason := _refund_reason(order.id)):
        says = "its money was never given back"
        act = partial(_refund, order.id, reason)
        return says, Act("refund", order.id, says, "have it refunded", act, pause=exam.grace)
    says, reason = NEVER_CAME[order.status]
    return says, attention(order.id, order.status, reason, says)


def _refund_reason(order_id: UUID) -> str:
    """Why its customer should have been refunded; empty if there is a refund, or nothing to refund."""
    if not any(payment.state == "succeeded" and not payment.refunds for payment in payments_of(order_id)):
        return ""
    for entry in timeline(order_id):
        if entry.type == FulfilmentStopped.type:
            return str(entry.data["reason"])
        if entry.type in REFUNDED_BECAUSE:
            return REFUNDED_BECAUSE[entry.type]
    return ""


def _refund(order_id: UUID, reason: str) -> Outcome:
    try:
        refund = payments.refund_payment(order_id=order_id, reason=reason)
    except GatewayError as error:
        return Outcome(State.UNDER_WAY, f"the gateway does not say: {error}")
    return Outcome(State.REPAIRED, f"asked for the refund: {refund.state if refund else 'nothing to refund'}")


def attention(order_id: UUID, status: str, reason: str, says: str) -> Act:
    """Put an order to needs_attention; if an operator then lets it go on, leave it alone for a day."""
    return Act(
        "attention",
        order_id,
        says,
        f"have an operator look at it ({reason})",
        partial(_hold_up, order_id, status, reason, says),
        pause=timedelta(days=1),
        meanwhile=Outcome(State.LEFT, "an operator let it go on: its page has the actions"),
    )


def _hold_up(order_id: UUID, status: str, reason: str, says: str) -> Outcome:
    held = orders.hold_up_order(order_id=order_id, seen=status, reason=reason, note=f"doctor: {says}")
    if not held:
        return Outcome(State.UNDER_WAY, "it moved on meanwhile")
    return Outcome(State.HANDED_OVER, f"needs attention now ({reason}): its page has the actions")
