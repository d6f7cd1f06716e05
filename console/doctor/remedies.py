"""What can be done about a finding: each remedy says what it would do, and does it if it is still needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from analytics import services as analytics
from analytics.errors import RebuildRunning
from console.models import Repair
from shop.messaging.operations.resending import LostDelivery, resend


class State(StrEnum):
    """How things stand with a finding after the doctor has been there."""

    #: Set right, or set off.
    REPAIRED = "repaired"
    #: It would be, but the doctor only looks.
    REPAIRABLE = "repairable"
    #: It is taking its course; look again later.
    UNDER_WAY = "under way"
    #: The order was put to needs_attention: an operator finds it among those.
    HANDED_OVER = "handed over"
    #: A person has to act.
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How things stand, and in a sentence what was, would be or should be done."""

    state: State
    says: str


class Remedy(Protocol):
    """What to do about a finding."""

    def plan(self) -> Outcome:
        """Say what would be done."""
        ...

    def apply(self, *, by: str) -> Outcome:
        """Do it, if it is still needed, and write it down."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing: it is taking its course."""

    why: str

    def plan(self) -> Outcome:
        return Outcome(State.UNDER_WAY, self.why)

    def apply(self, *, by: str) -> Outcome:
        return self.plan()


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing that would be safe; a person is told what to do."""

    advice: str

    def plan(self) -> Outcome:
        return Outcome(State.LEFT, self.advice)

    def apply(self, *, by: str) -> Outcome:
        return self.plan()


@dataclass(frozen=True, slots=True)
class Act:
    """Have the context that knows do something, unless that was done not long ago."""

    kind: str
    order_id: UUID
    wrong: str
    #: What it would do.
    would: str
    #: Does it, and says what came of it.
    act: Callable[[], Outcome]
    #: How long it is not done again, and how things stand meanwhile.
    pause: timedelta
    meanwhile: Outcome = Outcome(State.UNDER_WAY, "done a moment ago")

    def plan(self) -> Outcome:
        return self.meanwhile if self._was_done() else Outcome(State.REPAIRABLE, self.would)

    def apply(self, *, by: str) -> Outcome:
        if self._was_done():
            return self.meanwhile
        outcome = self.act()
        if outcome.state in (State.REPAIRED, State.HANDED_OVER):
            Repair.objects.create(
                key=self._key,
                kind=self.kind,
                order_id=self.order_id,
                wrong=self.wrong,
                done=outcome.says,
                by=by,
            )
        return outcome

    @property
    def _key(self) -> str:
        return f"{self.kind} {self.would} {self.order_id}"

    def _was_done(self) -> bool:
        return Repair.objects.filter(key=self._key, at__gt=timezone.now() - self.pause).exists()


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Make the figures anew from the log."""

    def plan(self) -> Outcome:
        return Outcome(State.REPAIRABLE, "rebuild the figures from the log")

    def apply(self, *, by: str) -> Outcome:
        try:
            events = analytics.rebuild()
        except RebuildRunning as error:
            return Outcome(State.UNDER_WAY, str(error))
        done = f"rebuilt the figures from {events} events"
        Repair.objects.create(key="figures", kind="figures", wrong="the figures differ", done=done, by=by)
        return Outcome(State.REPAIRED, done)


@dataclass(frozen=True, slots=True)
class Resend:
    """Send lost events again, each to the one consumer that misses it."""

    deliveries: Sequence[LostDelivery]

    def plan(self) -> Outcome:
        return Outcome(State.REPAIRABLE, f"resend {self._what(len(self.deliveries))}")

    @transaction.atomic
    def apply(self, *, by: str) -> Outcome:
        sent = resend(self.deliveries)
        Repair.objects.bulk_create(
            [
                Repair(
                    key=resend_key(one),
                    kind="lost",
                    order_id=one.aggregate_id,
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
        return Outcome(State.REPAIRED, f"resent {self._what(len(sent))}")

    def _what(self, count: int) -> str:
        return f"{count} to {self.deliveries[0].app}.events"


def resend_key(delivery: LostDelivery) -> str:
    """What a repair of this delivery is known by."""
    return f"{delivery.consumer} {delivery.event_id}"
