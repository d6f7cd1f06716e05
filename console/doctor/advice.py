"""Remedies for the violations of an audit; money and stock are never changed automatically."""

from collections.abc import Iterator

from console.audit import Violation
from console.doctor.findings import Examination, Finding
from console.doctor.remedies import Advise, RebuildFigures, Remedy, Wait
from console.doctor.stalled_orders import hold_up

#: Statuses in which an order can be held up for an operator. An unpaid order ends by its deadline; a finished
#: one stays as it is, whatever its books say.
CAN_BE_HELD_UP = frozenset({"paid", "awaiting_stock", "in_fulfilment", "shipped", "cancelling"})
#: Advice on orders that cannot be held up, by rule.
ADVICE = {
    "log": "compare its timeline with what the contexts say of it; the log is never changed",
    "lost": "manage.py lost_orders refunds it, keeps its money, or enters it again",
    "attempts": "compare its attempts with the provider's payments of the order; refund what was taken twice",
    "history": "find out who changed it; manage.py rebuild_orders --repair sets it as its events say",
    "status": "compare its timeline with its status; have the events replayed that it missed",
    "stock": "count the goods, then adjust the products' stock by what differs, with the order as the reason",
    "money": "settle the difference with the provider; a refund that failed can be retried in the admin",
    "returns": "compare the order's returns with its refunds and the stock: give back what is missing",
    "refunds": "compare the order's refunds with those of its payment: what is missing is requested anew",
    "parcel": "ask the carrier for the parcel by its tracking number, and tell the customer",
    "message": "write to the customer; a message that is there can be sent again from the order's page",
}


def audit_violations(exam: Examination) -> Iterator[Finding]:
    """Yield a finding with a safe remedy for each violation of the audit."""
    figures = [violation for violation in exam.report.violations if violation.rule == "figures"]
    if figures:
        first = figures[0]
        message = f"{len(figures)} differ from the books, as {first.subject}: {first.message}"
        yield Finding("figures", "analytics", message, RebuildFigures(), first.order_id)
    for violation in exam.report.violations:
        if violation.rule not in ("figures", "inbox"):
            remedy = _remedy(exam, violation)
            yield Finding(violation.rule, violation.subject, violation.message, remedy, violation.order_id)


def _remedy(exam: Examination, violation: Violation) -> Remedy:
    order_id, status = violation.order_id, violation.status
    if order_id is None:
        return Advise(_advice_without_order(violation))
    if violation.rule == "history":
        return Advise(ADVICE["history"])
    if any(one.rule == "history" and one.order_id == order_id for one in exam.report.violations):
        return Advise("first see to its history: see above")
    if order_id in exam.being_repaired:
        return Wait("the order is being taken care of: see above")
    if status == "needs_attention":
        return Advise("an operator has to look at it already: its page has the actions")
    if status in CAN_BE_HELD_UP and violation.rule != "message":
        reason = "delivery_failed" if violation.rule == "delivery" else "books_differ"
        return hold_up(order_id, status, reason, violation.message)
    return Advise(ADVICE.get(violation.rule, "look at its page"))


def _advice_without_order(violation: Violation) -> str:
    if violation.rule == "origin":
        return "somebody may have forged them: find out what they changed, and who may publish to the broker"
    return f"count {violation.subject}, and enter the count on the doctor's page: its ledger then explains it"
