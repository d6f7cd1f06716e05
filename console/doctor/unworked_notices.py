"""Check of providers' notices that were received and that no message will bring to their context."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from console.doctor.findings import Examination, Finding
from console.doctor.remedies import Outcome, State
from console.models import Repair
from shop.messaging.operations.queries import pending_messages
from shop.webhooks import notices


def unworked_notices(exam: Examination) -> Iterator[Finding]:
    """Yield the notices that are not worked, and about which no message waits in the database."""
    unworked = notices.unworked(grace=exam.grace)
    pending = {message.aggregate_id for message in pending_messages(set(unworked))} if unworked else set()
    if lost := [notice_id for notice_id in unworked if notice_id not in pending]:
        message = f"{len(lost)} of their notices are not worked, as {unworked[lost[0]]}"
        yield Finding("notice", "providers", message, DeliverAgain(lost))


@dataclass(frozen=True, slots=True)
class DeliverAgain:
    """Another delivery of notices. A copy does no harm: the provider is asked for the present state."""

    notice_ids: Sequence[UUID]

    def plan(self) -> Outcome:
        """Return the number of notices to deliver."""
        return Outcome(State.REPAIRABLE, f"deliver {len(self.notice_ids)} again")

    def apply(self, *, by: str) -> Outcome:
        """Deliver those that are still not worked, and record a repair."""
        sent = sum(map(notices.deliver_again, self.notice_ids))
        if not sent:
            return Outcome(State.UNDER_WAY, "worked meanwhile, or the provider is not configured any more")
        done = f"delivered {sent} again"
        Repair.objects.create(key="notices", kind="notice", wrong="were not worked", done=done, by=by)
        return Outcome(State.REPAIRED, done)
