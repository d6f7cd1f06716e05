"""Wait until a shop is quiescent after all faults, with an operator's actions if necessary."""

import importlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.faults.system import System
from dev.paths import ROOT

#: Seconds without any change after which the operator acts.
_OPERATOR_DELAY = 10.0
#: Seconds without any change after which nothing will change any more. The last retries are far apart.
_IDLE_TIMEOUT = 150.0
#: Any activity of the shop changes one of these numbers.
_ACTIVITY = """
    select (select count(*) from orders_order
            where status not in ('delivered', 'cancelled', 'needs_attention')),
           (select count(*) from messaging_outboxentry),
           (select count(*) from messaging_scheduledmessage where kind <> 'reminder'),
           (select count(*) from messaging_deadletter where status = 'open'),
           (select count(*) from integrations_delivery where state = 'pending'),
           (select max(position) from messaging_eventrecord),
           (select count(*) from messaging_inboxentry)
"""
#: Deferred messages do not count: they may wait for an event that is lost.
_PENDING = """
    select (select count(*) from messaging_outboxentry)
         + (select count(*) from messaging_scheduledmessage where kind not in ('reminder', 'parked'))
"""

#: Prefix of a repair in the output of the order doctor.
_REPAIRED = "  repaired: "
_ACT_ON_DEAD_LETTERS = "from dev.faults.operator import act_on_dead_letters; act_on_dead_letters()"


@dataclass
class Quiescence:
    """The way in which the shop became quiescent."""

    #: Seconds since the end of the schedule.
    seconds: float = 0
    #: Output of the last audit.
    audit: str = ""
    holds: bool = False
    #: Dead letters that the operator acted on, by cause.
    letters: Counter[str] = field(default_factory=Counter)
    #: Repairs of the order doctor.
    repairs: list[str] = field(default_factory=list)


def wait_until_quiescent(system: System, report: Callable[[str], None]) -> Quiescence:
    """Wait until an audit of the idle shop holds, or until nothing changes any more."""
    found, started = Quiescence(), time.monotonic()
    activity, changed_at, operated_at = _activity(system), started, started
    while not found.holds and time.monotonic() - changed_at < _IDLE_TIMEOUT:
        system.supervisor.sleep(1)
        now, last = _activity(system), activity
        activity, changed_at = now, (changed_at if now == last else time.monotonic())
        report(_describe(activity))
        if not any(activity[:5]):
            found.seconds = time.monotonic() - started
            _audit(system, found)
        if not found.holds and time.monotonic() - max(changed_at, operated_at) > _OPERATOR_DELAY:
            _operate(system, found)
            operated_at = time.monotonic()
    if not found.holds:
        _audit(system, found)
    return found


def _activity(system: System) -> tuple[int, ...]:
    return system.rows(_ACTIVITY)[0]


def _describe(activity: tuple[int, ...]) -> str:
    moving, unpublished, waiting, letters, webhooks = activity[:5]
    return (
        f"under way: {moving} orders, {unpublished} unpublished, {waiting} waiting, {letters} dead letters, "
        f"{webhooks} webhooks"
    )


def _audit(system: System, found: Quiescence) -> None:
    done = _run(system, "audit", "--idle")
    found.audit, found.holds = (done.stdout + done.stderr).rstrip(), done.returncode == 0


def _operate(system: System, found: Quiescence) -> None:
    """Act on the dead letters; if there are none and no message is pending, run the order doctor.

    An event that the doctor finds missing is therefore lost, and not just delayed.
    """
    done = _run(system, "shell", "--no-imports", "-c", _ACT_ON_DEAD_LETTERS)
    letters = Counter(json.loads(done.stdout))
    found.letters += letters
    if letters or _has_pending_messages(system):
        return
    done = _run(system, "audit", "--repair", "--grace", str(_OPERATOR_DELAY))
    found.repairs += [line.strip() for line in done.stdout.splitlines() if line.startswith(_REPAIRED)]


def _has_pending_messages(system: System) -> bool:
    """Return True if an event waits in the outbox, for a retry, or in a queue."""
    if system.kafka:
        pending = importlib.import_module("dev.faults.kafka").pending_records(system)
        return bool(pending or system.rows(_PENDING)[0][0])
    listed = json.loads(system.rabbitmq.control("list_queues", "--formatter", "json", "name", "messages"))
    queued = sum(queue["messages"] for queue in listed if queue["name"].endswith(".events"))
    return bool(queued or system.rows(_PENDING)[0][0])


def _run(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "manage.py", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=system.env, capture_output=True, text=True, check=False)
