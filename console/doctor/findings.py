"""What a finding is, and the findings about messages: lost, under way, or held up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from console.audit import Report
from console.doctor.remedies import Leave, Remedy, Resend, Wait, resend_key
from console.models import Repair
from shop.messaging.operations.queries import InboxGap, overdue, pending_messages
from shop.messaging.operations.resending import LostDelivery, lost_deliveries

#: An event that was resent so often and never consumed is not lost: something swallows it.
MOST_RESENDS = 3
#: A relay that takes longer is down, whatever the grace.
RELAY_PATIENCE = timedelta(minutes=1)
#: Lost events that one check-up takes care of.
MOST_LOST = 50_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    #: In a word.
    kind: str
    #: An order, a product, a consumer.
    about: str
    says: str
    remedy: Remedy
    order_id: UUID | None = None

    def __str__(self) -> str:
        return f"{self.kind:<10} {self.about}: {self.says}"


@dataclass
class Examination:
    """What the doctor has in hand while looking for more."""

    report: Report
    #: What was set off since is taken to be under way.
    grace: timedelta
    #: Orders that are being taken care of: what else is wrong with them may follow from that.
    in_care: set[UUID] = field(default_factory=set)


#: Looks for one kind of thing.
Look = Callable[[Examination], Iterator[Finding]]


def messages(exam: Examination) -> Iterator[Finding]:
    """Published events that a consumer has not taken: lost ones, those under way, and dead letters."""
    lost = lost_deliveries(grace=exam.grace, limit=MOST_LOST)
    yield from _lost_events(lost, exam.grace)
    known = {(one.consumer, one.event_id) for one in lost}
    yield from _gaps([gap for gap in exam.report.gaps if (gap.consumer, gap.event_id) not in known])


def backlog(exam: Examination) -> Iterator[Finding]:
    """What a relay should have done by now."""
    unpublished, not_promoted = overdue(grace=max(exam.grace, RELAY_PATIENCE))
    for count, what in ((unpublished, "events to be published"), (not_promoted, "retries and reminders")):
        if count:
            advice = "see that a worker serves the queue messaging and reaches the broker; its log says more"
            yield Finding("backlog", "the relay", f"{count} {what} are overdue", Leave(advice))


def _lost_events(lost: Sequence[LostDelivery], grace: timedelta) -> Iterator[Finding]:
    history = Repair.objects.history(map(resend_key, lost))
    groups: defaultdict[tuple[str, str], list[LostDelivery]] = defaultdict(list)
    for one in lost:
        times, last = history.get(resend_key(one), (0, None))
        if last and timezone.now() - last < grace:
            fate = "resent"
        else:
            fate = "hopeless" if times >= MOST_RESENDS else "lost"
        groups[one.consumer, fate].append(one)
    for (consumer, fate), alike in sorted(groups.items()):
        first = alike[0]
        says = f"never took {_events(len(alike))}, as {first.type} of order {first.aggregate_id}"
        yield Finding("lost", consumer, says, _remedy(fate, alike), first.aggregate_id)


def _remedy(fate: str, lost: Sequence[LostDelivery]) -> Remedy:
    app = lost[0].app
    if fate == "resent":
        return Wait("resent a moment ago")
    if fate == "hopeless":
        return Leave(
            f"resent {MOST_RESENDS} times in vain: see that a worker serves {app}, and look into {app}.dead"
        )
    return Resend(lost)


def _gaps(gaps: Sequence[InboxGap]) -> Iterator[Finding]:
    """Events that are not consumed, and not lost either."""
    waiting = pending_messages({gap.aggregate_id for gap in gaps})
    buried = {(one.aggregate_id, one.type, one.app) for one in waiting if one.place == "dead letter"}
    counts = Counter(
        (gap.consumer, (gap.aggregate_id, gap.type, gap.consumer.split(".")[0]) in buried) for gap in gaps
    )
    for (consumer, is_dead), count in sorted(counts.items()):
        if is_dead:
            remedy: Remedy = Leave("mend the cause, then replay them; or discard them with a reason")
            yield Finding("dead", consumer, f"it has {_events(count)} among the dead letters", remedy)
        else:
            yield Finding("inbox", consumer, f"has not taken {_events(count)} yet", Wait("under way"))


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
