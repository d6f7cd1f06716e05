"""Steps of an order's saga, as its timeline tells them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext, gettext_noop

from shop.messaging.event_log import TimelineEntry


class StepState(StrEnum):
    """State of a step."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    UNDONE = "undone"
    #: The order ended before.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SagaStep:
    """A step of the saga, with the time that it took since the step before."""

    title: str
    state: StepState
    at: datetime | None = None
    took: timedelta | None = None

    @property
    def took_text(self) -> str:
        """The time that it took, as in ``0.412 s`` or ``3 min``; empty if it is not done."""
        if self.took is None:
            return ""
        seconds = self.took.total_seconds()
        for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
            if seconds < limit:
                return f"{seconds:,.3f} s" if size == 1 else f"{seconds / size:,.0f} {unit}"
        return gettext("{days} days").format(days=f"{seconds / 86_400:,.0f}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """Events that do, fail and undo a step."""

    title: str
    done: frozenset[str]
    failed: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()


_PLANS = (
    _Plan(gettext_noop("Placed"), frozenset({"OrderCreated"})),
    _Plan(
        gettext_noop("Reserved"),
        frozenset({"InventoryReserved"}),
        frozenset({"InventoryRejected"}),
        frozenset({"InventoryReleased"}),
    ),
    _Plan(
        gettext_noop("Paid"),
        frozenset({"PaymentProcessed"}),
        frozenset({"PaymentFailed"}),
        frozenset({"PaymentVoided", "PaymentRefunded"}),
    ),
    _Plan(
        gettext_noop("Stock taken"), frozenset({"InventoryUpdated"}), undone=frozenset({"InventoryRestocked"})
    ),
    _Plan(
        gettext_noop("Shipped"),
        frozenset({"OrderShipped"}),
        frozenset({"ShipmentFailed"}),
        frozenset({"FulfilmentStopped"}),
    ),
    _Plan(gettext_noop("Delivered"), frozenset({"OrderDelivered"}), frozenset({"DeliveryFailed"})),
)
_ENDS = frozenset({"OrderCancelled", "OrderSettled", "OrderDelivered"})


def steps_of(timeline: Iterable[TimelineEntry]) -> Sequence[SagaStep]:
    """Return the steps of an order. What happened last to a step decides its state."""
    entries = list(timeline)
    has_ended = any(entry.name in _ENDS for entry in entries)
    steps: list[SagaStep] = []
    came = entries[0].time if entries else None
    for plan in _PLANS:
        step = _step(plan, entries, came, has_ended, is_next=all(_is_behind(before) for before in steps))
        steps.append(step)
        came = step.at or came
    return steps


def _step(
    plan: _Plan, entries: Sequence[TimelineEntry], came: datetime | None, has_ended: bool, *, is_next: bool
) -> SagaStep:
    known = plan.done | plan.failed | plan.undone
    about = [entry for entry in entries if entry.name in known]
    if not about:
        return SagaStep(gettext(plan.title), _still_to_come(has_ended, is_next))
    first = next((entry for entry in about if entry.name in plan.done), about[-1])
    took = max(first.time - came, timedelta(0)) if came else None
    return SagaStep(gettext(plan.title), _outcome(plan, about), first.time, took)


def _outcome(plan: _Plan, about: Sequence[TimelineEntry]) -> StepState:
    names = {entry.name for entry in about}
    if about[-1].name in plan.failed:
        return StepState.FAILED
    # A part of the money can go back, and the step stays done: only the loss of an order undoes it.
    if about[-1].name in plan.undone and not (names & plan.done and about[-1].name == "PaymentRefunded"):
        return StepState.UNDONE
    return StepState.DONE


def _still_to_come(has_ended: bool, is_next: bool) -> StepState:
    if has_ended:
        return StepState.SKIPPED
    return StepState.RUNNING if is_next else StepState.WAITING


def _is_behind(step: SagaStep) -> bool:
    """Tell whether the next step can run: nothing follows one that failed or was undone."""
    return step.state in (StepState.DONE, StepState.SKIPPED)
