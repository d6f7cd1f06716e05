"""Check of refunds that staff requested and that payments never took up."""

from collections.abc import Iterator
from functools import partial

from console.doctor.findings import Examination, Finding
from console.doctor.remedies import CallService, Outcome, State
from console.doctor.stalled_orders import PendingMessages
from orders.refunds.queries import RequestedRefund, unanswered_refunds
from payments import services as payments
from payments.errors import GatewayError
from payments.queries import refund_state
from shop.messaging.contracts import Money
from shop.messaging.errors import TooEarly

ACTION = "have payments give it back"


def refunds_without_an_answer(exam: Examination) -> Iterator[Finding]:
    """Yield refunds that payments knows nothing of, though no message about them is under way."""
    waiting = unanswered_refunds(grace=exam.grace)
    pending = PendingMessages({refund.order_id for refund in waiting})
    for refund in waiting:
        if refund_state(refund.id) is None and not pending.has_message_for(refund.order_id, "payments"):
            money = Money.stored(refund.amount, refund.currency)
            message = f"its refund of {money} was requested, and payments know nothing of it"
            call = partial(_give_back, refund)
            remedy = CallService("refund", refund.order_id, message, ACTION, call, pause=exam.grace)
            yield Finding("refund", refund.order_number, message, remedy, refund.order_id)


def _give_back(refund: RequestedRefund) -> Outcome:
    try:
        made = payments.refund_part(order_id=refund.order_id, refund_id=refund.id, amount=refund.amount)
    except (GatewayError, TooEarly) as error:
        return Outcome(State.UNDER_WAY, f"payments cannot say yet: {error}")
    return Outcome(State.REPAIRED, f"asked for the refund: {made.state}")
