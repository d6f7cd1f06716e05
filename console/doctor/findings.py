"""Findings, and the checks of messages: lost, under way, dead-lettered or overdue."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from console.audit import Report
from console.audit.aggregates import name_of, order_of
from console.doctor.remedies import Advise, Backfill, Remedy, ResendEvents, Wait, resend_key
from console.models import Repair
from shop.messaging.operations import queries
from shop.messaging.operations.backfilling import behind
from shop.messaging.operations.queries import InboxGap, overdue, pending_messages
from shop.messaging.operations.resending import LostDelivery, lost_deliveries

#: Resends of an event before it is left to a person: something swallows it.
MAX_RESENDS = 3
#: Least age of a message that the relay has not handled before the relay counts as down.
RELAY_TIMEOUT = timedelta(minutes=1)
#: Limit on the lost events that one check-up handles.
MAX_LOST_EVENTS = 50_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Problem found by a check-up, with its remedy."""

    #: Kind of problem, one word.
    kind: str
    #: Order, product or consumer.
    subject: str
    message: str
    remedy: Remedy
    order_id: UUID | None = None

    def __str__(self) -> str:
        return f"{self.kind:<10} {self.subject}: {self.message}"


@dataclass
class Examination:
    """State of a running check-up, shared by its checks."""

    report: Report
    #: Messages and steps younger than this count as under way.
    grace: timedelta
    #: Orders with a repair under way: their other problems may follow from the same cause.
    being_repaired: set[UUID] = field(default_factory=set)


#: Yields the findings of one kind.
Check = Callable[[Examination], Iterator[Finding]]


def unconsumed_events(exam: Examination) -> Iterator[Finding]:
    """Yield published events that a consumer has not taken: lost, under way or dead-lettered."""
    lost = lost_deliveries(grace=exam.grace, limit=MAX_LOST_EVENTS)
    yield from _lost_events(lost, exam.grace)
    known = {(one.consumer, one.event_id) for one in lost}
    yield from _gaps([gap for gap in exam.report.gaps if (gap.consumer, gap.event_id) not in known])


def consumers_behind(exam: Examination) -> Iterator[Finding]:
    """Yield the consumers that declare an earlier beginning, or whose backfill was broken off."""
    for consumer, count in behind():
        message = f"has up to {_events(count)} from before its beginning to come"
        yield Finding("backfill", consumer.name, message, Backfill(consumer, count))


def forged_messages(exam: Examination) -> Iterator[Finding]:
    """Yield the apps that were sent messages which do not come from the shop."""
    for app, count in queries.forged_messages().items():
        advice = (
            "find out who may publish to the broker, and change the passwords; then discard the dead letters"
        )
        yield Finding("forged", app, f"it was sent {count} forged messages", Advise(advice))


def overdue_messages(exam: Examination) -> Iterator[Finding]:
    """Yield messages that the relay should have published or promoted by now."""
    unpublished, not_promoted = overdue(grace=max(exam.grace, RELAY_TIMEOUT))
    for count, kind in ((unpublished, "events to be published"), (not_promoted, "retries and reminders")):
        if count:
            advice = "see that a worker serves the queue messaging and reaches the broker; its log says more"
            yield Finding("backlog", "the relay", f"{count} {kind} are overdue", Advise(advice))


def _lost_events(lost: Sequence[LostDelivery], grace: timedelta) -> Iterator[Finding]:
    history = Repair.objects.history(map(resend_key, lost))
    groups: defaultdict[tuple[str, str], list[LostDelivery]] = defaultdict(list)
    for one in lost:
        times, last = history.get(resend_key(one), (0, None))
        if last and timezone.now() - last < grace:
            state = "resent"
        else:
            state = "exhausted" if times >= MAX_RESENDS else "lost"
        groups[one.consumer, state].append(one)
    for (consumer, state), deliveries in sorted(groups.items()):
        first = deliveries[0]
        example = f"{first.type} of {name_of(first.type)} {first.aggregate_id}"
        message = f"never took {_events(len(deliveries))}, as {example}"
        order_id = order_of(first.type, first.aggregate_id)
        yield Finding("lost", consumer, message, _remedy(state, deliveries), order_id)


def _remedy(state: str, lost: Sequence[LostDelivery]) -> Remedy:
    app = lost[0].app
    if state == "resent":
        return Wait("resent a moment ago")
    if state == "exhausted":
        return Advise(
            f"resent {MAX_RESENDS} times in vain: see that a worker serves {app}, and look into {app}.dead"
        )
    return ResendEvents(lost)


def _gaps(gaps: Sequence[InboxGap]) -> Iterator[Finding]:
    """Yield events that are neither consumed nor lost."""
    waiting = pending_messages({gap.aggregate_id for gap in gaps})
    dead_lettered = {(one.aggregate_id, one.type, one.app) for one in waiting if one.place == "dead letter"}
    counts = Counter(
        (gap.consumer, (gap.aggregate_id, gap.type, gap.consumer.split(".")[0]) in dead_lettered)
        for gap in gaps
    )
    for (consumer, is_dead), count in sorted(counts.items()):
        if is_dead:
            remedy: Remedy = Advise("mend the cause, then replay them; or discard them with a reason")
            yield Finding("dead", consumer, f"it has {_events(count)} among the dead letters", remedy)
        else:
            yield Finding("inbox", consumer, f"has not taken {_events(count)} yet", Wait("under way"))


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
