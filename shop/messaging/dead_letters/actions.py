"""What an operator may do with dead letters. Every action is written down with its author."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from shop.messaging.dead_letters.errors import NotOpen, NotReplayable, ReasonMissing
from shop.messaging.dead_letters.replay_target import replay_target_of
from shop.messaging.dead_letters.selection import Selection
from shop.messaging.models import DeadLetter
from shop.messaging.outbox import append

#: Letters replayed in one transaction, and how many a second at the most: live events go on between them.
STEP, REPLAYED_A_SECOND = 50, 200
#: Letters discarded in one transaction.
DISCARD_STEP = 5000

_CLOSE = """
    WITH closed AS (UPDATE messaging_deadletter SET status = %s WHERE id = ANY(%s) RETURNING id)
    INSERT INTO messaging_deadletteraction (dead_letter_id, action, by, reason, copy_id, diff)
    SELECT id, %s, %s, %s, %s::uuid, %s FROM closed
"""


@dataclass
class Tally:
    """How far a replay has come. All of it is JSON, so that another run can go on from there."""

    replayed: int = 0
    #: Why -> how many were not.
    refused: dict[str, int] = field(default_factory=dict)
    #: The last letter that was looked at.
    last: int = 0

    @property
    def done(self) -> int:
        """How many letters were looked at."""
        return self.replayed + sum(self.refused.values())


def replay_dead_letter(*, dead_letter_id: int, by: str, reason: str = "") -> DeadLetter:
    """Deliver the event to its consumer again, with all its attempts before it.

    If the consumer has consumed it meanwhile, the inbox skips it. An unroutable event goes to all
    who subscribe by now. Raises NotOpen and NotReplayable.
    """
    with transaction.atomic():
        letter = open_letter(dead_letter_id)
        try:
            _send(letter)
        except NotReplayable as refusal:
            raise NotReplayable(f"dead letter {letter.pk}: {refusal}") from refusal
        return close(letter, DeadLetter.Status.REPLAYED, action="replay", by=by, reason=reason)


def replay_dead_letters(
    selection: Selection, *, by: str, reason: str = "", tally: Tally | None = None
) -> Iterator[Tally]:
    """Replay the selected letters step by step, each a transaction; yields how far it is after each.

    Whoever is stopped in the middle may begin again: what is replayed is not open any more. Letters that
    somebody else is about to settle are left to them.
    """
    # What fails again is a new letter: without this bound it would be replayed in circles.
    selection, tally = selection.as_of_now(), tally or Tally()
    while _replay_step(selection, tally, by=by, reason=reason):
        yield tally


def discard_dead_letter(*, dead_letter_id: int, by: str, reason: str) -> DeadLetter:
    """Give up on a message; it stays readable here. Raises NotOpen and ReasonMissing."""
    demand(reason)
    with transaction.atomic():
        letter = open_letter(dead_letter_id)
        return close(letter, DeadLetter.Status.DISCARDED, action="discard", by=by, reason=reason)


def discard_dead_letters(selection: Selection, *, by: str, reason: str) -> Iterator[int]:
    """Discard the selected letters step by step; yields how many are, after each."""
    demand(reason)
    selection, done = selection.as_of_now(), 0
    while letters := _discard_step(selection, by=by, reason=reason):
        done += letters
        yield done


def open_letter(dead_letter_id: int) -> DeadLetter:
    """Lock an open letter; NotOpen if it is settled."""
    letter = DeadLetter.objects.select_for_update().get(pk=dead_letter_id)
    if letter.status != DeadLetter.Status.OPEN:
        raise NotOpen(f"dead letter {letter.pk} has been {letter.status} already")
    return letter


def close(letter: DeadLetter, status: str, **action: Any) -> DeadLetter:
    """Settle a letter, and write down by whom and why."""
    close_all([letter.pk], status, **action)
    letter.status = status
    return letter


def close_all(
    letter_ids: Sequence[int],
    status: str,
    *,
    action: str,
    by: str,
    reason: str,
    copy_id: UUID | None = None,
    diff: str = "",
) -> None:
    """Settle letters in one statement, and write down by whom and why."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [status, list(letter_ids), action, by, reason, copy_id, diff])


def demand(reason: str) -> None:
    """Raise ReasonMissing unless there is a reason."""
    if not reason.strip():
        raise ReasonMissing(ReasonMissing.__doc__)


def _replay_step(selection: Selection, tally: Tally, *, by: str, reason: str) -> bool:
    started = time.monotonic()
    with transaction.atomic():
        letters = list(
            selection.letters().filter(pk__gt=tally.last).select_for_update(skip_locked=True)[:STEP]
        )
        refused = Counter[str]()
        sent = [letter.pk for letter in letters if _is_sent(letter, refused)]
        close_all(sent, DeadLetter.Status.REPLAYED, action="replay", by=by, reason=reason)
    if letters:
        tally.last = letters[-1].pk
        tally.replayed += len(sent)
        tally.refused = dict(Counter(tally.refused) + refused)
        time.sleep(max(0.0, started + len(sent) / REPLAYED_A_SECOND - time.monotonic()))
    return bool(letters)


def _is_sent(letter: DeadLetter, refused: Counter[str]) -> bool:
    try:
        _send(letter)
    except NotReplayable as refusal:
        refused[str(refusal)] += 1
        return False
    return True


def _send(letter: DeadLetter) -> None:
    delivery = replay_target_of(letter)
    append.enqueue(
        message_id=delivery.message_id,
        aggregate_id=delivery.aggregate_id,
        type=delivery.type,
        queue=delivery.queue,
        body=delivery.body,
        headers={},
    )


def _discard_step(selection: Selection, *, by: str, reason: str) -> int:
    with transaction.atomic():
        letters = selection.letters().select_for_update(skip_locked=True).values_list("pk", flat=True)
        ids = list(letters[:DISCARD_STEP])
        close_all(ids, DeadLetter.Status.DISCARDED, action="discard", by=by, reason=reason)
    return len(ids)
