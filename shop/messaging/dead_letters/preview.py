"""Preview of a replay: deliveries by consumer and type, and the letters that cannot be replayed."""

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

#: Letters parsed together.
CHUNK = 2000


@dataclass
class PreviewLine:
    """Deliveries of one event type to one consumer."""

    #: Empty if the type has no subscriber in this project.
    consumer: str
    type: str
    delivered: int = 0
    #: Events that the consumer has consumed; its inbox will skip them.
    skipped: int = 0


class Refusal(NamedTuple):
    """Reason why letters of a consumer and type cannot be replayed."""

    consumer: str
    type: str
    reason: str


@dataclass
class Preview:
    """Expected outcome of a replay."""

    lines: list[PreviewLine] = field(default_factory=list)
    #: Number of letters that cannot be replayed, by reason.
    refused: Counter[Refusal] = field(default_factory=Counter)
    #: Number of open letters.
    letters: int = 0

    @property
    def replayable(self) -> int:
        """Number of letters that can be replayed."""
        return self.letters - self.refused.total()

    def add(self, consumer: str, type: str, *, delivered: int, skipped: int) -> None:
        """Add deliveries to the line of a consumer and type."""
        existing = (line for line in self.lines if (line.consumer, line.type) == (consumer, type))
        line = next(existing, None)
        if line is None:
            self.lines.append(line := PreviewLine(consumer, type))
        line.delivered += delivered
        line.skipped += skipped

    @property
    def refusals(self) -> list[tuple[Refusal, int]]:
        """Reasons and their numbers of letters, the most frequent first."""
        return self.refused.most_common()


def preview(selection: Selection) -> Preview:
    """Return the expected outcome of a replay of the selected letters.

    Letters with event id and aggregate are counted in the database. Only the others are loaded and parsed.
    """
    letters = selection.letters()
    identified = letters.filter(event_id__isnull=False, aggregate_id__isnull=False)
    outcome = Preview(letters=letters.count())
    _count_identified(identified, outcome)
    others = letters.exclude(pk__in=identified.values("pk")).defer("traceback", "error")
    for chunk in _chunks(others.iterator(chunk_size=CHUNK)):
        _count_one_by_one(chunk, outcome)
    outcome.lines.sort(key=lambda line: (line.consumer, line.type))
    return outcome


def _count_identified(letters: QuerySet[DeadLetter], outcome: Preview) -> None:
    groups = letters.order_by().values_list("app", "type").annotate(letters=Count("pk"))
    for app, type_, count in groups:
        try:
            receivers = receivers_of(app, type_)
        except NotReplayable as refusal:
            outcome.refused[Refusal(app, type_, str(refusal))] += count
            continue
        events = letters.filter(app=app, type=type_).order_by().values("event_id")
        for receiver in receivers or ("",):
            skipped = InboxEntry.objects.filter(consumer=receiver, event_id__in=events).count()
            outcome.add(receiver, type_, delivered=count - skipped, skipped=skipped)


def _count_one_by_one(letters: Iterable[DeadLetter], outcome: Preview) -> None:
    events: defaultdict[tuple[str, str], list[UUID]] = defaultdict(list)
    for letter in letters:
        try:
            target = replay_target_of(letter)
        except NotReplayable as refusal:
            outcome.refused[Refusal(letter.app, letter.type, str(refusal))] += 1
            continue
        for receiver in target.receivers or ("",):
            events[receiver, target.type].append(target.message_id)
    for (receiver, type_), ids in events.items():
        skipped = InboxEntry.objects.filter(consumer=receiver, event_id__in=ids).count()
        outcome.add(receiver, type_, delivered=len(ids) - skipped, skipped=skipped)


def _chunks(letters: Iterator[DeadLetter]) -> Iterator[list[DeadLetter]]:
    while chunk := list(islice(letters, CHUNK)):
        yield chunk
