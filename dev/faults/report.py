"""Report of a run: faults, recovery times, lost orders, and everything else that is wrong."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from rich.table import Table

from dev.console import out
from dev.faults.load import Customers, allowed_outcomes
from dev.faults.quiescence import Quiescence
from dev.faults.runner import InjectedFault
from dev.faults.system import HURT, WELL, System
from dev.faults.webhooks import undelivered
from dev.load.generator import CustomerOrder

_OUTCOMES = """
    select id::text, status, case status when 'needs_attention' then attention_reason else cancel_reason end
    from orders_order
"""
_REFUND_REFUSED = """
    select order_id::text from payments_payment payment join payments_refund refund on payment_id = payment.id
    where refund.failure_code = 'declined'
"""
_FIRST_SHIPPED = """
    select extract(epoch from min(time) - %s) from messaging_eventrecord
    where type = 'shipping.OrderShipped.v2' and time > %s
"""
_UNREADABLE = "select count(*) from messaging_deadletter where cause in ('unreadable', 'forged')"
#: Repairs of the order doctor: those ordered by the operator, and lost events resent by the periodic task.
_REPAIRS = "select wrong, done from console_repair where kind = 'lost' or by = 'manage.py' order by id"
_TERMINAL = {"delivered", "cancelled", "needs_attention"}


@dataclass
class Findings:
    """Problems found. A correct run has none."""

    #: Accepted orders that are missing or have not come to an end.
    lost: list[str]
    #: All other problems.
    wrong: list[str]


def examine(system: System, customers: Customers, quiescence: Quiescence) -> Findings:
    """Compare the responses to the customers with the outcomes of their orders."""
    outcomes = {id_: (status, reason) for id_, status, reason in system.rows(_OUTCOMES)}
    refused = {id_ for (id_,) in system.rows(_REFUND_REFUSED)}
    findings = Findings([], [])
    for order in customers.sent:
        status, reason = outcomes.get(str(order.id), ("missing", ""))
        order.status, order.reason = status, reason or ""
        if order.refusal:
            findings.wrong.append(f"refused: {order.label}: {order.refusal}")
        elif status not in _TERMINAL:
            findings.lost.append(f"{order.number or order.idempotency_key} ({order.label}) is {status}")
        elif order.outcome not in _allowed_outcomes(customers, order, refused):
            findings.wrong.append(f"{order.number} ({order.label}) is {order.outcome}")
    findings.wrong += _miscounted(system, customers, len(outcomes))
    findings.wrong += _repaired(system)
    findings.lost += undelivered(system)
    if not quiescence.holds:
        findings.wrong += quiescence.audit.splitlines()
    return findings


def _allowed_outcomes(customers: Customers, order: CustomerOrder, refused: Collection[str]) -> frozenset[str]:
    scenario = customers.scenarios[order.idempotency_key]
    return allowed_outcomes(scenario, refund_refused=str(order.id) in refused)


def _miscounted(system: System, customers: Customers, orders: int) -> Iterator[str]:
    if orders != len(customers.accepted):
        yield f"{len(customers.accepted)} orders were accepted, and {orders} are there"
    if (dead := system.rows(_UNREADABLE)[0][0]) < system.poisoned:
        yield f"{system.poisoned} unreadable messages were sent, and {dead} are dead letters"


def _repaired(system: System) -> Iterator[str]:
    """Yield the repairs of the order doctor, except for events that an unbound queue missed."""
    for wrong, done in system.rows(_REPAIRS):
        if done.rpartition(" ")[2] not in system.unbound:
            yield f"{wrong}: the order doctor {done}"


def show_faults(system: System, injected: Sequence[InjectedFault]) -> None:
    """Print the faults by kind, with the time from the end of a fault to the next shipment."""
    recoveries: defaultdict[str, list[float]] = defaultdict(list)
    for fault in injected:
        if not fault.failure:
            recoveries[fault.kind].append(_recovery(system, fault.reverted_at))
    table = Table("fault", "times", "next order shipped after", title="Faults", title_justify="left")
    for name, seconds in sorted(recoveries.items()):
        table.add_row(name, str(len(seconds)), f"{median(seconds):.1f} s")
    out.print(table)


def _recovery(system: System, reverted_at: datetime) -> float:
    seconds = system.rows(_FIRST_SHIPPED, reverted_at, reverted_at)[0][0]
    return float("inf") if seconds is None else float(seconds)


def show_result(
    system: System,
    injected: Sequence[InjectedFault],
    customers: Customers,
    quiescence: Quiescence,
    findings: Findings,
) -> None:
    """Print the totals and all problems."""
    ended = Counter(order.status for order in customers.accepted)
    twice = sum(count - 1 for count in system.mailbox.received.values())
    dead = ", ".join(f"{count} {cause}" for cause, count in sorted(quiescence.letters.items()))
    lines = [
        f"Faults injected: {sum(not fault.failure for fault in injected)}, "
        f"of {len({fault.kind for fault in injected})} kinds",
        f"Orders accepted: {len(customers.accepted)} "
        f"({', '.join(f'{count} {status}' for status, count in sorted(ended.items()))}); "
        f"requests repeated: {customers.retries}",
        f"Dead letters: {dead or 'none'}; "
        f"mails to customers: {len(system.mailbox.received)}, sent twice: {twice}",
        "Webhooks delivered: "
        + ", ".join(
            f"{len(inbox.accepted)} of {len(inbox.seen)} requests to {path}"
            for path in (HURT, WELL)
            for inbox in [system.receiver.inboxes[path]]
        ),
        *(f"The order doctor: {repair}" for repair in quiescence.repairs),
        f"Quiescent after: {quiescence.seconds:.0f} s",
        f"Orders lost: {len(findings.lost)}",
        f"Wrong: {len(findings.wrong)}",
    ]
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
    for problem in (*findings.lost, *findings.wrong):
        out.print(f"  {problem}", markup=False, soft_wrap=True, style="bold red")
