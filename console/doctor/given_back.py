"""Check of refunds that were made in the provider's books, without the shop."""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from console.doctor.findings import Examination, Finding
from console.doctor.remedies import CallService, Outcome, State
from payments import services as payments
from payments.errors import GatewayError

ACTION = "ask the provider, and take over what it has given back"


def unknown_refunds(exam: Examination) -> Iterator[Finding]:
    """Yield orders of which the provider has given back more than payments know of."""
    for order in exam.report.given_back:
        message = "the provider has given back more than payments know of"
        call = partial(_learn, order.id)
        remedy = CallService("refund", order.id, message, ACTION, call, pause=exam.grace)
        yield Finding("refund", order.number, message, remedy, order.id)


def _learn(order_id: UUID) -> Outcome:
    try:
        refunds = payments.learn_refunds(order_id=order_id)
    except GatewayError as error:
        return Outcome(State.UNDER_WAY, f"the gateway does not say: {error}")
    if not refunds:
        return Outcome(State.LEFT, "it cannot be taken over: settle the difference with the provider")
    return Outcome(State.REPAIRED, f"took over {', '.join(str(refund.money) for refund in refunds)}")
