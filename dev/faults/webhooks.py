"""Faults of a receiver of webhooks, and the check of what it and a healthy one got."""

from collections import defaultdict
from collections.abc import Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.system import HURT, WELL, System

#: Events that are owed to the receivers: all that are sent, in the order of the log.
_OWED = """
    select record.id::text, record.aggregate_id::text from messaging_eventrecord record
    where record.position > %s and exists (
        select from integrations_delivery delivery where delivery.type = record.type)
    order by record.aggregate_id, record.sequence
"""
_DURATION = (4.0, 15.0)


@fault("receiver is slow", target="receiver", duration=_DURATION)
def slow(system: System, chance: Random) -> Iterator[None]:
    """Have answers take seconds."""
    inbox = system.receiver.inboxes[HURT]
    inbox.delay = chance.uniform(0.5, 2.5)
    yield
    inbox.delay = 0.0


@fault("receiver answers 500", target="receiver", duration=_DURATION)
def broken(system: System, chance: Random) -> Iterator[None]:
    """Have it fail at each request, after it has read it."""
    yield from _answering(system, chance.choice((500, 502, 503)))


@fault("receiver redirects", target="receiver", duration=_DURATION)
def redirecting(system: System, chance: Random) -> Iterator[None]:
    """Have it redirect to the receiver that is well, which would take it for its own."""
    inbox = system.receiver.inboxes[HURT]
    inbox.headers = {"Location": system.receiver.url(WELL)}
    yield from _answering(system, chance.choice((301, 302, 307)))
    inbox.headers = {}


@fault("receiver hangs", target="receiver", duration=_DURATION)
def hanging(system: System, chance: Random) -> Iterator[None]:
    """Have it take requests and never answer."""
    inbox = system.receiver.inboxes[HURT]
    inbox.hangs = True
    yield
    inbox.hangs = False


@fault("receiver is gone", target="receiver", duration=_DURATION)
def vanished(system: System, chance: Random) -> Iterator[None]:
    """Have nobody listen at the address of both."""
    with system.receiver.away():
        yield


def _answering(system: System, status: int) -> Iterator[None]:
    inbox = system.receiver.inboxes[HURT]
    inbox.status = status
    yield
    inbox.status = 200


def undelivered(system: System) -> list[str]:
    """Return what is wrong with what the receivers got. A correct run has nothing."""
    owed = system.rows(_OWED, system.webhooks_since)
    found = []
    for path in (HURT, WELL):
        inbox = system.receiver.inboxes[path]
        lost = [event for event, _ in owed if event not in inbox.accepted]
        if lost:
            found.append(f"the receiver {path} never got {len(lost)} of {len(owed)} events: {lost[:3]}")
        if swapped := _out_of_order(owed, list(inbox.accepted)):
            found.append(f"the receiver {path} got events out of order: {swapped[:3]}")
        if inbox.forged:
            found.append(f"the receiver {path} got {inbox.forged} requests without a valid signature")
    return found


def _out_of_order(owed: list[tuple[str, ...]], accepted: list[str]) -> list[str]:
    """Return the aggregates of which events were first accepted in another order than the log's."""
    wanted, got = defaultdict(list), defaultdict(list)
    about = {event: aggregate for event, aggregate in owed}  # noqa: C416 - the rows are tuples of any length
    for event, aggregate in owed:
        wanted[aggregate].append(event)
    for event in accepted:
        if event in about:
            got[about[event]].append(event)
    return [
        aggregate
        for aggregate, events in got.items()
        if events != [event for event in wanted[aggregate] if event in events]
    ]
