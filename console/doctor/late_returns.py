"""Check of returns whose goods are late, and that nothing would end."""

from collections.abc import Iterator
from functools import partial

from console.doctor.findings import Examination, Finding
from console.doctor.stalled_orders import PendingMessages, put_back, timer
from orders.events import ReturnArrivalDue
from orders.returns.queries import late_returns
from orders.returns.services import remind_of_arrival


def lost_ends_of_returns(exam: Examination) -> Iterator[Finding]:
    """Yield returns whose goods should be here, and that have no reminder."""
    late = late_returns(grace=exam.grace)
    pending = PendingMessages({returned.id for returned in late})
    for returned in late:
        if not pending.has_reminder(returned.id, ReturnArrivalDue):
            message = "the goods of its return have not come in time, and no reminder is pending"
            service = partial(remind_of_arrival, order_id=returned.order_id, return_id=returned.id)
            yield timer(exam, returned.order_number, message, returned.order_id, partial(put_back, service))
