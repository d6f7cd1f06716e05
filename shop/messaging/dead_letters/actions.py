"""Actions on dead letters: replay and discard. Each is recorded with its author and reason."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext

from shop.messaging.dead_letters.errors import NotOpen, NotReplayable, ReasonMissing
from shop.messaging.dead_letters.replay_target import replay_target_of
from shop.messaging.dead_letters.selection import Selection
from shop.messaging.models import DeadLetter
from shop.messaging.outbox import append
from shop.stored_texts import translated
from shop.visible import is_visible

#: Letters replayed in one transaction.
REPLAY_BATCH = 50
#: Limit of the rate of a replay, so that live events are not delayed.
MAX_REPLAYS_PER_SECOND = 200
#: Letters discarded in one transaction.
DISCARD_BATCH = 5000

_CLOSE = """
    WITH closed AS (UPDATE messaging_deadletter SET status = %s WHERE id = ANY(%s) RETURNING id)
    INSERT INTO messaging_deadletteraction (dead_letter_id, action, by, reason, copy_id, diff)
    SELECT id, %s, %s, %s, %s::uuid, %s FROM closed
"""


@dataclass
class ReplayProgress:
    """Progress of a replay. It is serializable as JSON, so that another task run can continue from it."""

    replayed: int = 0
    #: Number of letters that were not replayed, by reason.
    refused: dict[str, int] = field(default_factory=dict)
    #: Primary key of the last letter processed.
    last: int = 0

    @property
    def done(self) -> int:
        """Number of letters processed."""
        return self.replayed + sum(self.refused.values())


def replay_dead_letter(*, dead_letter_id: int, by: str, reason: str = "") -> DeadLetter:
    """Deliver the event to its consumer again, with its number of attempts reset.

    If the consumer has consumed it in the meantime, the inbox skips it. An unroutable event goes to all
    current subscribers.

    Raises:
        NotOpen: if the letter is closed.
        NotReplayable: if the event cannot be delivered as it is.
    """
    with transaction.atomic():
        letter = lock_open_letter(dead_letter_id)
        try:
            _send(letter)
        except NotReplayable as refusal:
            text = gettext("dead letter {number}: {refusal}")
            raise NotReplayable(text.format(number=letter.pk, refusal=refusal)) from refusal
        return close_letter(letter, DeadLetter.Status.REPLAYED, action="replay", by=by, reason=reason)


def replay_dead_letters(
    selection: Selection, *, by: str, reason: str = "", progress: ReplayProgress | None = None
) -> Iterator[ReplayProgress]:
    """Replay the selected letters in batches, each in a transaction. Yields the progress after each batch.

    An interrupted replay can be started again: replayed letters are no longer open. Letters locked by
    another operator are skipped.
    """
    # An event that fails again becomes a new letter. Without this bound it would be replayed endlessly.
    selection, progress = selection.as_of_now(), progress or ReplayProgress()
    while _replay_batch(selection, progress, by=by, reason=reason):
        yield progress


def discard_dead_letter(*, dead_letter_id: int, by: str, reason: str) -> DeadLetter:
    """Give up a message. Its letter remains readable.

    Raises:
        NotOpen: if the letter is closed.
        ReasonMissing: if the reason is blank.
    """
    require_reason(reason)
    with transaction.atomic():
        letter = lock_open_letter(dead_letter_id)
        return close_letter(letter, DeadLetter.Status.DISCARDED, action="discard", by=by, reason=reason)


def discard_dead_letters(selection: Selection, *, by: str, reason: str) -> Iterator[int]:
    """Discard the selected letters in batches. Yields the number discarded so far after each batch."""
    require_reason(reason)
    selection, done = selection.as_of_now(), 0
    while discarded := _discard_batch(selection, by=by, reason=reason):
        done += discarded
        yield done


def lock_open_letter(dead_letter_id: int) -> DeadLetter:
    """Lock and return an open letter. Raises NotOpen if it is closed."""
    letter = DeadLetter.objects.select_for_update().get(pk=dead_letter_id)
    if letter.status != DeadLetter.Status.OPEN:
        text = gettext("dead letter {number} has been {status} already")
        raise NotOpen(text.format(number=letter.pk, status=translated(letter.status)))
    return letter


def close_letter(letter: DeadLetter, status: str, **action: Any) -> DeadLetter:
    """Close a letter with the given status, and record the action."""
    close_letters([letter.pk], status, **action)
    letter.status = status
    return letter


def close_letters(
    letter_ids: Sequence[int],
    status: str,
    *,
    action: str,
    by: str,
    reason: str,
    copy_id: UUID | None = None,
    diff: str = "",
) -> None:
    """Close letters and record the action for each of them, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [status, list(letter_ids), action, by, reason, copy_id, diff])


def require_reason(reason: str) -> None:
    """Raise ReasonMissing if the reason is blank."""
    if not is_visible(reason):
        raise ReasonMissing(ReasonMissing.__doc__)


def _replay_batch(selection: Selection, progress: ReplayProgress, *, by: str, reason: str) -> bool:
    started = time.monotonic()
    with transaction.atomic():
        remaining = selection.letters().filter(pk__gt=progress.last)
        letters = list(remaining.select_for_update(skip_locked=True)[:REPLAY_BATCH])
        refused = Counter[str]()
        sent = [letter.pk for letter in letters if _try_send(letter, refused)]
        close_letters(sent, DeadLetter.Status.REPLAYED, action="replay", by=by, reason=reason)
    if letters:
        progress.last = letters[-1].pk
        progress.replayed += len(sent)
        progress.refused = dict(Counter(progress.refused) + refused)
        time.sleep(max(0.0, started + len(sent) / MAX_REPLAYS_PER_SECOND - time.monotonic()))
    return bool(letters)


def _try_send(letter: DeadLetter, refused: Counter[str]) -> bool:
    try:
        _send(letter)
    except NotReplayable as refusal:
        refused[str(refusal)] += 1
        return False
    return True


def _send(letter: DeadLetter) -> None:
    target = replay_target_of(letter)
    append.enqueue(
        message_id=target.message_id,
        aggregate_id=target.aggregate_id,
        type=target.type,
        queue=target.queue,
        body=target.body,
        headers={},
    )


def _discard_batch(selection: Selection, *, by: str, reason: str) -> int:
    with transaction.atomic():
        letters = selection.letters().select_for_update(skip_locked=True).values_list("pk", flat=True)
        ids = list(letters[:DISCARD_BATCH])
        close_letters(ids, DeadLetter.Status.DISCARDED, action="discard", by=by, reason=reason)
    return len(ids)
