"""What a replay would do, told before it is done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, QuerySet

from shop.messaging.dead_letters.errors import NotReplayable
from shop.messaging.dead_letters.replay_target import receivers_of, replay_target_of
from shop.messaging.dead_letters.selection import Selection
from shop.messaging.models import DeadLetter, InboxEntry

#: Letters looked at together.
CHUNK = 2000


@dataclass
class Line:
    """What a consumer would get of a type of event."""

    #: Empty if nobody that we know subscribes to it.
    consumer: str
    type: str
    delivered: int = 0
    #: It has consumed these; its inbox would skip them.
    skipped: int = 0


class Refusal(NamedTuple):
    """Why letters cannot be replayed."""

    consumer: str
    type: str
    why: str


@dataclass
class Preview:
    """What would become of the selected letters."""

    lines: list[Line] = field(default_factory=list)
    #: How many cannot be replayed, and why.
    refused: Counter[Refusal] = field(default_factory=Counter)
    #: How many letters are open.
    letters: int = 0

    @property
    def replayable(self) -> int:
        """How many letters would be replayed."""
        return self.letters - self.refused.total()

    def add(self, consumer: str, type: str, *, delivered: int, skipped: int) -> None:
        """Count what a consumer would get."""
        known = (line for line in self.lines if (line.consumer, line.type) == (consumer, type))
        line = next(known, None)
        if line is None:
            self.lines.append(line := Line(consumer, type))
        line.delivered += delivered
        line.skipped += skipped

    @property
    def refusals(self) -> list[tuple[Refusal, int]]:
        """What cannot be replayed, the most frequent first."""
        return self.refused.most_common()


def preview(selection: Selection) -> Preview:
    """Tell what a replay would do.

    Letters that name their event are counted by the database; only what could not be read is read again.
    """
    letters = selection.letters()
    named = letters.filter(event_id__isnull=False, aggregate_id__isnull=False)
    seen = Preview(letters=letters.count())
    _count_named(named, seen)
    others = letters.exclude(pk__in=named.values("pk")).defer("traceback", "error")
    for chunk in _chunks(others.iterator(chunk_size=CHUNK)):
        _count_one_by_one(chunk, seen)
    seen.lines.sort(key=lambda line: (line.consumer, line.type))
    return seen


def _count_named(letters: QuerySet[DeadLetter], seen: Preview) -> None:
    groups = letters.order_by().values_list("app", "type").annotate(letters=Count("pk"))
    for app, type_, count in groups:
        try:
            receivers = receivers_of(app, type_)
        except NotReplayable as refusal:
            seen.refused[Refusal(app, type_, str(refusal))] += count
            continue
        events = letters.filter(app=app, type=type_).order_by().values("event_id")
        for receiver in receivers or ("",):
            skipped = InboxEntry.objects.filter(consumer=receiver, event_id__in=events).count()
            seen.add(receiver, type_, delivered=count - skipped, skipped=skipped)


def _count_one_by_one(letters: Iterable[DeadLetter], seen: Preview) -> None:
    events: defaultdict[tuple[str, str], list[UUID]] = defaultdict(list)
    for letter in letters:
        try:
            delivery = replay_target_of(letter)
        except NotReplayable as refusal:
            seen.refused[Refusal(letter.app, letter.type, str(refusal))] += 1
            continue
        for receiver in delivery.receivers or ("",):
            events[receiver, delivery.type].append(delivery.message_id)
    for (receiver, type_), ids in events.items():
        skipped = InboxEntry.objects.filter(consumer=receiver, event_id__in=ids).count()
        seen.add(receiver, type_, delivered=len(ids) - skipped, skipped=skipped)


def _chunks(letters: Iterator[DeadLetter]) -> Iterator[list[DeadLetter]]:
    while chunk := list(islice(letters, CHUNK)):
        yield chunk
