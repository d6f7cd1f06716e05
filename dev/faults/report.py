"""What a schedule has shown: the faults, how soon orders were shipped again, what was lost or wrong."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from rich.table import Table

from dev.console import out
from dev.faults.load import Customers, may_end
from dev.faults.rest import Rest
from dev.faults.run import Injury
from dev.faults.world import World
from dev.load.generator import Wish

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
    where type = 'shipping.OrderShipped.v1' and time > %s
"""
_UNREADABLE = "select count(*) from messaging_deadletter where cause = 'unreadable'"
#: What an operator had the doctor repair at rest, and what it had sent again by the clock before.
_REPAIRS = "select wrong, done from console_repair where kind = 'lost' or by = 'manage.py' order by id"
_TERMINAL = {"delivered", "cancelled", "needs_attention"}


@dataclass
class Findings:
    """What must be empty."""

    #: Orders that were accepted, and are not there or did not come to an end.
    lost: list[str]
    #: Everything else that must not be.
    wrong: list[str]


def examine(world: World, customers: Customers, rest: Rest) -> Findings:
    """Compare what the customers were told with what became of it."""
    outcomes = {id_: (status, reason) for id_, status, reason in world.rows(_OUTCOMES)}
    refused = {id_ for (id_,) in world.rows(_REFUND_REFUSED)}
    findings = Findings([], [])
    for wish in customers.sent:
        status, reason = outcomes.get(str(wish.id), ("missing", ""))
        wish.status, wish.reason = status, reason or ""
        if wish.refusal:
            findings.wrong.append(f"refused: {wish.label}: {wish.refusal}")
        elif status not in _TERMINAL:
            findings.lost.append(f"{wish.number or wish.idempotency_key} ({wish.label}) is {status}")
        elif wish.outcome not in _may_end(customers, wish, refused):
            findings.wrong.append(f"{wish.number} ({wish.label}) is {wish.outcome}")
    findings.wrong += _miscounted(world, customers, len(outcomes))
    findings.wrong += _repaired(world)
    if not rest.holds:
        findings.wrong += rest.audit.splitlines()
    return findings


def _may_end(customers: Customers, wish: Wish, refused: Collection[str]) -> frozenset[str]:
    return may_end(customers.fates[wish.idempotency_key], refund_refused=str(wish.id) in refused)


def _miscounted(world: World, customers: Customers, orders: int) -> Iterator[str]:
    if orders != len(customers.accepted):
        yield f"{len(customers.accepted)} orders were accepted, and {orders} are there"
    if (buried := world.rows(_UNREADABLE)[0][0]) < world.poisoned:
        yield f"{world.poisoned} unreadable messages were sent, and {buried} are dead letters"


def _repaired(world: World) -> Iterator[str]:
    """What the order doctor had to repair, except for what an unbound queue missed."""
    for wrong, done in world.rows(_REPAIRS):
        if done.rpartition(" ")[2] not in world.unbound:
            yield f"{wrong}: the order doctor {done}"


def show_faults(world: World, injuries: Sequence[Injury]) -> None:
    """Print the faults by kind, with the time from the mending to the next parcel."""
    recoveries: defaultdict[str, list[float]] = defaultdict(list)
    for injury in injuries:
        if not injury.failure:
            recoveries[injury.strike.kind.name].append(_recovery(world, injury.mended_at))
    table = Table("fault", "times", "next order shipped after", title="Faults", title_justify="left")
    for name, seconds in sorted(recoveries.items()):
        table.add_row(name, str(len(seconds)), f"{median(seconds):.1f} s")
    out.print(table)


def _recovery(world: World, mended_at: datetime) -> float:
    seconds = world.rows(_FIRST_SHIPPED, mended_at, mended_at)[0][0]
    return float("inf") if seconds is None else float(seconds)


def show_result(
    world: World, injuries: Sequence[Injury], customers: Customers, rest: Rest, findings: Findings
) -> None:
    """Print the sums, and whatever was lost or wrong."""
    ended = Counter(wish.status for wish in customers.accepted)
    twice = sum(count - 1 for count in world.mailbox.letters.values())
    lines = [
        f"Faults injected: {sum(not injury.failure for injury in injuries)}, "
        f"of {len({injury.strike.kind.name for injury in injuries})} kinds",
        f"Orders accepted: {len(customers.accepted)} "
        f"({', '.join(f'{count} {status}' for status, count in sorted(ended.items()))}); "
        f"asked again for an answer: {customers.asked_again} times",
        f"Dead letters: {', '.join(f'{n} {cause}' for cause, n in sorted(rest.letters.items())) or 'none'}; "
        f"letters to customers: {len(world.mailbox.letters)}, sent twice: {twice}",
        *(f"The order doctor: {repair}" for repair in rest.repairs),
        f"At rest after: {rest.seconds:.0f} s",
        f"Orders lost: {len(findings.lost)}",
        f"Wrong: {len(findings.wrong)}",
    ]
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
    for what in (*findings.lost, *findings.wrong):
        out.print(f"  {what}", markup=False, soft_wrap=True, style="bold red")
