"""Remedies of findings: each one plans its action, and carries it out if it is still needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from analytics import services as analytics
from analytics.errors import RebuildRefused
from console.audit.aggregates import order_of
from console.models import Repair
from shop.messaging.consuming import Consumer
from shop.messaging.operations.backfilling import send_chunk
from shop.messaging.operations.resending import LostDelivery, resend

#: Events that one check-up sends for a backfill; manage.py subscribe --backfill is quicker.
MAX_BACKFILL = 2000


class State(StrEnum):
    """State of a finding after a check-up."""

    #: Repaired, or the repair is set off.
    REPAIRED = "repaired"
    #: Can be repaired; this check-up only audits.
    REPAIRABLE = "repairable"
    #: Resolves itself; check again later.
    UNDER_WAY = "under way"
    #: The order was put to needs_attention, where an operator finds it.
    HANDED_OVER = "handed over"
    #: Needs a person.
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Outcome:
    """State of a finding, and the action that was, would be or should be taken."""

    state: State
    message: str


class Remedy(Protocol):
    """Action on a finding."""

    def plan(self) -> Outcome:
        """Return the outcome to expect, without any change."""
        ...

    def apply(self, *, by: str) -> Outcome:
        """Take the action if it is still needed, and record it as a repair."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """No action: the problem resolves itself."""

    reason: str

    def plan(self) -> Outcome:
        """Return that it is under way."""
        return Outcome(State.UNDER_WAY, self.reason)

    def apply(self, *, by: str) -> Outcome:
        """Return that it is under way."""
        return self.plan()


@dataclass(frozen=True, slots=True)
class Advise:
    """Advice to a person, where no automatic action is safe."""

    advice: str

    def plan(self) -> Outcome:
        """Return the advice."""
        return Outcome(State.LEFT, self.advice)

    def apply(self, *, by: str) -> Outcome:
        """Return the advice."""
        return self.plan()


@dataclass(frozen=True, slots=True)
class CallService:
    """Call of a service of the context in charge, unless it was called a short time ago."""

    kind: str
    order_id: UUID
    problem: str
    #: The action in words; part of the key by which a repeated call is recognised.
    action: str
    call: Callable[[], Outcome]
    #: Time before the call is repeated, and the outcome until then.
    pause: timedelta
    outcome_in_pause: Outcome = Outcome(State.UNDER_WAY, "done a moment ago")

    def plan(self) -> Outcome:
        """Return the action, or the outcome during the pause."""
        return self.outcome_in_pause if self._was_called() else Outcome(State.REPAIRABLE, self.action)

    def apply(self, *, by: str) -> Outcome:
        """Call the service unless it is paused, and record a repair if it had an effect."""
        if self._was_called():
            return self.outcome_in_pause
        outcome = self.call()
        if outcome.state in (State.REPAIRED, State.HANDED_OVER):
            Repair.objects.create(
                key=self._key,
                kind=self.kind,
                order_id=self.order_id,
                wrong=self.problem,
                done=outcome.message,
                by=by,
            )
        return outcome

    @property
    def _key(self) -> str:
        return f"{self.kind} {self.action} {self.order_id}"

    def _was_called(self) -> bool:
        return Repair.objects.filter(key=self._key, at__gt=timezone.now() - self.pause).exists()


@dataclass(frozen=True, slots=True)
class RebuildFigures:
    """Rebuild of the figures of analytics from the event log."""

    def plan(self) -> Outcome:
        """Return the action."""
        return Outcome(State.REPAIRABLE, "rebuild the figures from the log")

    def apply(self, *, by: str) -> Outcome:
        """Rebuild the figures, unless a rebuild is running, or a second version waits to be promoted."""
        try:
            events = analytics.rebuild()
        except RebuildRefused as error:
            return Outcome(State.UNDER_WAY, str(error))
        done = f"rebuilt the figures from {events} events"
        Repair.objects.create(key="figures", kind="figures", wrong="the figures differ", done=done, by=by)
        return Outcome(State.REPAIRED, done)


@dataclass(frozen=True, slots=True)
class ResendEvents:
    """Resend of lost events, each to the one consumer that misses it."""

    deliveries: Sequence[LostDelivery]

    def plan(self) -> Outcome:
        """Return the number of events to resend."""
        return Outcome(State.REPAIRABLE, f"resend {self._describe(len(self.deliveries))}")

    @transaction.atomic
    def apply(self, *, by: str) -> Outcome:
        """Resend the events that are still missing, and record a repair for each."""
        sent = resend(self.deliveries)
        Repair.objects.bulk_create(
            [
                Repair(
                    key=resend_key(one),
                    kind="lost",
                    order_id=order_of(one.type, one.aggregate_id),
                    wrong=f"{one.type} never came to {one.consumer}",
                    done=f"resent {one.event_id} to {one.app}.events",
                    by=by,
                )
                for one in sent
            ],
            batch_size=1000,
        )
        if not sent:
            return Outcome(State.UNDER_WAY, "came meanwhile")
        return Outcome(State.REPAIRED, f"resent {self._describe(len(sent))}")

    def _describe(self, count: int) -> str:
        return f"{count} to {self.deliveries[0].app}.events"


@dataclass(frozen=True, slots=True)
class Backfill:
    """Part of a backfill, so that live events are not held up; the next check-up goes on."""

    consumer: Consumer
    events: int

    def plan(self) -> Outcome:
        """Return the number of events to send."""
        return Outcome(State.REPAIRABLE, f"send {min(self.events, MAX_BACKFILL)} of them")

    def apply(self, *, by: str) -> Outcome:
        """Send events up to the limit, and record a repair."""
        sent, has_more = send_chunk(self.consumer, MAX_BACKFILL)
        done = f"sent {sent} of them to {self.consumer.queue}" + (
            "; more at the next check-up" if has_more else ""
        )
        name = self.consumer.name
        Repair.objects.create(
            key=f"backfill {name}", kind="backfill", wrong=f"{name} is behind", done=done, by=by
        )
        return Outcome(State.REPAIRED, done)


def resend_key(delivery: LostDelivery) -> str:
    """Return the key of the repairs of a delivery."""
    return f"{delivery.consumer} {delivery.event_id}"
