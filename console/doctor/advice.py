"""What to do about the violations that an audit found: nothing that touches money or stock goes by itself."""

from collections.abc import Iterator

from console.audit import Violation
from console.doctor.findings import Examination, Finding
from console.doctor.remedies import Leave, Rebuild, Remedy, Wait
from console.doctor.stalled_orders import attention

#: Where an order can be held up until an operator has looked at it. One that is not paid yet ends by its
#: deadline; one that is over stays as it is, whatever its books say.
CAN_BE_HELD_UP = frozenset({"paid", "in_fulfilment", "shipped", "cancelling"})
#: Rule -> what an operator does about an order that cannot be held up.
ADVICE = {
    "log": "compare its timeline with what the contexts say of it; the log is never changed",
    "status": "compare its timeline with its status; have the events replayed that it missed",
    "stock": "count the goods, then adjust the products' stock by what differs, with the order as the reason",
    "money": "settle the difference with the provider; a refund that failed can be retried in the admin",
    "parcel": "ask the carrier for the parcel by its tracking number, and tell the customer",
    "message": "write to the customer; a message that is there can be sent again from the order's page",
}


def verdicts(exam: Examination) -> Iterator[Finding]:
    """The audit's violations, each with what is safe to be done about it."""
    figures = [violation for violation in exam.report.violations if violation.rule == "figures"]
    if figures:
        first = figures[0]
        says = f"{len(figures)} differ from the books, as {first.about}: {first.says}"
        yield Finding("figures", "analytics", says, Rebuild(), first.order_id)
    for violation in exam.report.violations:
        if violation.rule not in ("figures", "inbox"):
            remedy = _remedy(exam, violation)
            yield Finding(violation.rule, violation.about, violation.says, remedy, violation.order_id)


def _remedy(exam: Examination, violation: Violation) -> Remedy:
    order_id, status = violation.order_id, violation.status
    if order_id is None:
        return Leave(_advice_on_product(violation))
    if order_id in exam.in_care:
        return Wait("the order is being taken care of: see above")
    if status == "needs_attention":
        return Leave("an operator has to look at it already: its page has the actions")
    if status in CAN_BE_HELD_UP and violation.rule != "message":
        return attention(order_id, status, "books_differ", violation.says)
    return Leave(ADVICE.get(violation.rule, "look at its page"))


def _advice_on_product(violation: Violation) -> str:
    return f"count {violation.about}, and enter the count on the doctor's page: its ledger then explains it"
