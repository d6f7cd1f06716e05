"""Waits until a shop has come to rest after all that was done to it, with an operator's help if need be."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.faults.world import World
from dev.paths import ROOT

#: Seconds without any change after which the operator looks what is the matter.
_SUSPICIOUS = 10.0
#: Seconds without any change after which nothing will change any more. Retries are further apart each time.
_PATIENCE = 150.0
#: Whatever is going on shows in one of these.
_PULSE = """
    select (select count(*) from orders_order
            where status not in ('delivered', 'cancelled', 'needs_attention')),
           (select count(*) from messaging_outboxentry),
           (select count(*) from messaging_scheduledmessage where kind <> 'reminder'),
           (select count(*) from messaging_deadletter where status = 'open'),
           (select max(position) from messaging_eventrecord),
           (select count(*) from messaging_inboxentry)
"""
#: What is parked does not count: it may wait for something that is lost.
_UNDER_WAY = """
    select (select count(*) from messaging_outboxentry)
         + (select count(*) from messaging_scheduledmessage where kind not in ('reminder', 'parked'))
"""

#: How the order doctor begins to tell what it did about a finding.
_REPAIRED = "  repaired: "
_TIDY_UP = "from dev.faults.operator import tidy_up; tidy_up()"


@dataclass
class Rest:
    """How the shop came to rest."""

    #: Seconds from the end of the schedule.
    seconds: float = 0
    #: What the last audit said.
    audit: str = ""
    holds: bool = False
    #: Dead letters that the operator acted on, by cause.
    letters: Counter[str] = field(default_factory=Counter)
    #: What the order doctor did, a line each.
    repairs: list[str] = field(default_factory=list)


def wait_for_rest(world: World, look: Callable[[str], None]) -> Rest:
    """Wait until an audit of the idle shop holds, or nothing changes any more."""
    rest, started = Rest(), time.monotonic()
    pulse, changed_at, helped_at = _pulse(world), started, started
    while not rest.holds and time.monotonic() - changed_at < _PATIENCE:
        world.supervisor.sleep(1)
        now, last = _pulse(world), pulse
        pulse, changed_at = now, (changed_at if now == last else time.monotonic())
        look(_describe(pulse))
        if not any(pulse[:4]):
            rest.seconds = time.monotonic() - started
            _audit(world, rest)
        if not rest.holds and time.monotonic() - max(changed_at, helped_at) > _SUSPICIOUS:
            _help(world, rest)
            helped_at = time.monotonic()
    if not rest.holds:
        _audit(world, rest)
    return rest


def _pulse(world: World) -> tuple[int, ...]:
    return world.rows(_PULSE)[0]


def _describe(pulse: tuple[int, ...]) -> str:
    moving, unpublished, waiting, letters = pulse[:4]
    return f"under way: {moving} orders, {unpublished} unpublished, {waiting} waiting, {letters} dead letters"


def _audit(world: World, rest: Rest) -> None:
    done = _run(world, "audit", "--idle")
    rest.audit, rest.holds = (done.stdout + done.stderr).rstrip(), done.returncode == 0


def _help(world: World, rest: Rest) -> None:
    """Do what a person would: look after the dead letters; if nothing is under way, call the doctor.

    So what the doctor finds lost is lost, and does not merely wait somewhere.
    """
    done = _run(world, "shell", "--no-imports", "-c", _TIDY_UP)
    letters = Counter(json.loads(done.stdout))
    rest.letters += letters
    if letters or _is_under_way(world):
        return
    done = _run(world, "audit", "--repair", "--grace", str(_SUSPICIOUS))
    rest.repairs += [line.strip() for line in done.stdout.splitlines() if line.startswith(_REPAIRED)]


def _is_under_way(world: World) -> bool:
    """Whether any event waits to be published, to be tried again, or in a queue."""
    listed = json.loads(world.rabbitmq.control("list_queues", "--formatter", "json", "name", "messages"))
    queued = sum(queue["messages"] for queue in listed if queue["name"].endswith(".events"))
    return bool(queued or world.rows(_UNDER_WAY)[0][0])


def _run(world: World, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "manage.py", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=world.env, capture_output=True, text=True, check=False)
