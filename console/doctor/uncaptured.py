"""Check of orders whose parcel has left and whose money is not taken."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from console.doctor.findings import Examination, Finding
from console.doctor.remedies import CallService, Outcome, Remedy, State
from console.doctor.stalled_orders import hold_up
from orders.queries import AcceptedOrder
from payments import services as payments
from payments.errors import GatewayError
from payments.queries import payments_of


def uncaptured_orders(exam: Examination) -> Iterator[Finding]:
    """Yield shipped and delivered orders of which all events are consumed and nothing was taken."""
    for order in exam.report.uncaptured:
        if order.id not in exam.being_repaired:
            message = "its parcel has left, and its money was not taken"
            yield Finding("capture", order.number, message, _remedy(exam, order, message), order.id)


def _remedy(exam: Examination, order: AcceptedOrder, message: str) -> Remedy:
    if any(
        payment.state == "requires_capture" and not payment.failure_code for payment in payments_of(order.id)
    ):
        call = partial(_capture, order.id)
        return CallService("capture", order.id, message, "take its money", call, pause=exam.grace)
    return hold_up(order.id, order.status, "capture_failed", message)


def _capture(order_id: UUID) -> Outcome:
    try:
        payments.capture_payments(order_ids=[order_id])
    except GatewayError as error:
        return Outcome(State.UNDER_WAY, f"the gateway does not say: {error}")
    [payment] = payments_of(order_id)
    return Outcome(State.REPAIRED, f"captured: {payment.state}")
