"""Reasons why an order stands still, with what comes next and where to look."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from orders.queries import AwaitedStep, awaited_step
from shop.messaging.operations import queries as messages
from shop.messaging.operations.paused import PausedConsumer, paused_consumers
from shop.messaging.operations.queries import ScheduledAbout
from shop.moments import shown

#: What an order waits for, by step.
_AWAITED = {
    "payment": gettext_noop("the payment"),
    "stock": gettext_noop("the stock"),
    "backorder": gettext_noop("goods to come in"),
    "carrier": gettext_noop("the carrier"),
    "cancellation": gettext_noop("payments, stock and shipping to undo their parts"),
}
_SCHEDULED = {
    "retry": gettext_noop("{type} is tried again by {consumer}: {error}"),
    "parked": gettext_noop("{type} waits in {consumer} for the event before it"),
    "held": gettext_noop("{type} is held for {consumer}, which is paused"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason, the moment at which something happens by itself, and a page that shows more."""

    text: str
    next_at: datetime | None = None
    next_text: str = ""
    url: str = ""
    has_failed: bool = False

    @property
    def is_ahead(self) -> bool:
        """True if that moment is still to come."""
        return self.next_at is not None and self.next_at > timezone.now()


def reasons_of(order_id: UUID, user: Any) -> list[Reason]:
    """Return why an order stands still, what has failed first; empty if nothing is under way."""
    awaited = awaited_step(order_id)
    found = [*_dead_letters(order_id, user), *_paused(order_id, user), *_scheduled(order_id)]
    return sorted([*found, *_awaited(awaited)], key=lambda reason: not reason.has_failed)


def _awaited(step: AwaitedStep | None) -> Iterator[Reason]:
    if step is None:
        return
    text = gettext("Waits for {what} since {since}.").format(
        what=gettext(_AWAITED.get(step.step, step.step)), since=shown(step.since)
    )
    yield Reason(text, step.until, gettext("deadline"), has_failed=step.until < timezone.now())


def _paused(order_id: UUID, user: Any) -> Iterator[Reason]:
    """Name the paused consumers that have not consumed events of the order."""
    paused = {one.consumer: one for one in paused_consumers()}
    if not paused:
        return
    url = reverse("admin:messaging_circuit_changelist") if user.has_perm("messaging.view_circuit") else ""
    gaps = messages.inbox_gaps(about=order_id)
    for name in sorted({gap.consumer for gap in gaps} & paused.keys()):
        yield _pause(paused[name], url)


def _pause(paused: PausedConsumer, url: str) -> Reason:
    text = gettext("Waits for {consumer}: {text}.").format(consumer=paused.consumer, text=paused.text)
    return Reason(text, paused.next_at, paused.next_text, url, has_failed=True)


def _scheduled(order_id: UUID) -> Iterator[Reason]:
    for message in messages.scheduled_about(order_id):
        if pattern := _SCHEDULED.get(message.kind):
            yield Reason(
                _text(pattern, message),
                message.due_at,
                gettext("next attempt"),
                has_failed=message.kind == "retry",
            )


def _text(pattern: str, message: ScheduledAbout) -> str:
    error = message.error or gettext("it failed")
    return gettext(pattern).format(type=message.type, consumer=message.consumer or message.app, error=error)


def _dead_letters(order_id: UUID, user: Any) -> Iterator[Reason]:
    letters = [one for one in messages.pending_messages([order_id]) if one.place == "dead letter"]
    if not letters:
        return
    may_see = user.has_perm("messaging.view_deadletter")
    url = f"{reverse('admin:messaging_deadletter_changelist')}?q={order_id}" if may_see else ""
    types = ", ".join(sorted({letter.type for letter in letters}))
    yield Reason(
        gettext("Dead letters: {types}. Replay or discard them.").format(types=types),
        url=url,
        has_failed=True,
    )
