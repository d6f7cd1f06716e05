"""Result of a drill: what was lost, what became of the lost orders, and everything that is wrong."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from dev.console import out
from dev.drill.runbook import steps
from dev.drill.system import ZOE, System
from dev.faults.load import Customers

#: An order that awaits its customer, who was given up with the database, waits until its deadline.
_ORDERS = """
    select id::text, 'ORD-' || serial,
           case when status = 'placed' and payment_needs <> '' then 'awaiting its customer' else status end
    from orders_order
"""
_DECISIONS = "select order_id::text, decision from console_lostorder"
#: What the payment provider holds, and has taken and not given back, of orders that the shop does not know.
_KEPT = """
    select order_id::text from payments_simulatedcharge as charge
    where not exists (select from orders_order where id = charge.order_id)
      and not exists (select from console_lostorder as lost
                      where lost.order_id = charge.order_id and decision = 'kept')
      and case status when 'requires_capture' then charge.amount else captured end > coalesce((
          select sum(amount) from payments_simulatedrefund as refund
          where refund.charge_id = charge.reference and refund.status = 'succeeded'), 0)
"""
_CHARGED_TWICE = """
    select order_id::text from payments_simulatedcharge where status in ('requires_capture', 'succeeded')
    group by order_id having count(*) > 1
"""
_BOOKED_TWICE = """
    select split_part(key, ':', 2) from shipping_simulatedlabel where status = 'booked'
    group by 1 having count(*) > 1
"""
#: Queries of what must never be.
_NEVER = {
    _KEPT: "money is kept for nothing",
    _CHARGED_TWICE: "charged twice",
    _BOOKED_TWICE: "booked twice",
}
_LOST_MESSAGES = "select status, count(*) from messaging_deadletter where cause = 'lost' group by status"
_ENDED = {"delivered", "cancelled", "needs_attention", "settled", "awaiting its customer"}


@dataclass
class Result:
    """Result of a drill."""

    backup: str
    broker: str
    #: Seconds from the newest event that was restored to the disaster.
    data_loss: float = 0
    seconds_to_open: float = 0
    #: Until the audit held but for nothing.
    seconds_to_hold: float = 0
    opening: str = ""
    listed: str = ""
    decisions: str = ""
    checkups: list[str] = field(default_factory=list)
    audit: str = ""
    holds: bool = False
    #: Orders accepted before the disaster, by fate.
    fates: Counter[str] = field(default_factory=Counter)
    #: Messages of the lost time that the broker still had, by status of the dead letter.
    messages: dict[str, int] = field(default_factory=dict)
    letters: int = 0
    letters_twice: int = 0
    wrong: list[str] = field(default_factory=list)


def examine(system: System, before: Customers, later: Customers, result: Result) -> None:
    """Compare what customers were told with what the restored shop knows."""
    orders = {id_: (number, status) for id_, number, status in system.rows(_ORDERS)}
    decisions = dict(system.rows(_DECISIONS))
    for order in before.accepted:
        fate = decisions.get(str(order.id)) or ("restored" if str(order.id) in orders else "nothing held")
        result.fates[fate] += 1
    result.messages = dict(system.rows(_LOST_MESSAGES))
    result.letters = len(system.mailbox.received)
    result.letters_twice = sum(count > 1 for count in system.mailbox.received.values())
    result.wrong += _wrong(system, before, later, orders)
    result.wrong += [f"the runbook's step {name} was not run" for name in _left_out(system, result)]
    if not sum(result.fates[fate] for fate in ("reinstated", "refunded", "kept")):
        result.wrong.append("no order was lost and decided on: the drill shows nothing")
    if result.broker == "newer" and not result.messages:
        result.wrong.append("no message of the lost time was refused: the drill shows nothing")
    if not result.holds:
        result.wrong += result.audit.splitlines()


def _left_out(system: System, result: Result) -> list[str]:
    """Return the runbook's steps for this kind of backup, and for all, that the drill has not run."""
    others = {"pg_dump", "pgbackrest"} - {result.backup}
    wanted = {name for name in steps() if name.split()[0] not in others}
    return sorted(wanted - system.steps_run)


def _wrong(
    system: System, before: Customers, later: Customers, orders: dict[str, tuple[str, str]]
) -> Iterator[str]:
    given = {order.number: str(order.id) for order in before.accepted}
    for id_, (number, status) in orders.items():
        if given.get(number, id_) != id_:
            yield f"{number} was given twice"
        if status not in _ENDED:
            yield f"{number} is {status}"
    if not later.accepted:
        yield "no order was accepted after the restore"
    for query, text in _NEVER.items():
        yield from (f"{text}: order {order_id}" for (order_id,) in system.rows(query))
    if system.rows("select 1 from auth_user where username = %s", ZOE):
        yield "who was forgotten is known again"
    for message_id, count in system.mailbox.received.items():
        if count > 2:
            yield f"{message_id} was sent {count} times"


def show(results: Sequence[Result], options: argparse.Namespace) -> None:
    """Print the figures of all drills, and what is wrong."""
    title = f"Drills of {options.rate:g} orders a second, seed {options.seed}"
    table = Table("", *(f"{one.backup}, broker {one.broker}" for one in results), title=title)
    table.title_justify = "left"
    fates = ("restored", "reinstated", "refunded", "kept", "nothing held")
    rows: list[tuple[str, list[str]]] = [
        ("data loss, seconds", [f"{one.data_loss:.1f}" for one in results]),
        ("seconds until open", [f"{one.seconds_to_open:.0f}" for one in results]),
        ("seconds until the audit holds", [f"{one.seconds_to_hold:.0f}" for one in results]),
        *((f"orders {fate}", [str(one.fates[fate]) for one in results]) for fate in fates),
        ("messages of the lost time refused", [str(sum(one.messages.values())) for one in results]),
        ("letters sent", [str(one.letters) for one in results]),
        ("letters sent twice", [str(one.letters_twice) for one in results]),
        ("wrong", [str(len(one.wrong)) for one in results]),
    ]
    for name, values in rows:
        table.add_row(name, *values)
    out.print(table)
    for one in results:
        for problem in one.wrong:
            out.print(f"  {one.backup}, broker {one.broker}: {problem}", markup=False, style="bold red")
