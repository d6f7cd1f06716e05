"""What an operator may do with dead letters. Every action is written down with its author."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

from django.db import transaction

from shop.messaging import outbox
from shop.messaging.consuming import events_queue
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter, DeadLetterAction


class NotReplayable(MessagingError):
    """The message cannot be read, so nobody can consume it: mend its sender, then discard it."""


class NotOpen(MessagingError):
    """The dead letter has been replayed or discarded already."""


class ReasonMissing(MessagingError):
    """Say why the dead letter is discarded: the reason is kept."""


def replay_dead_letter(*, dead_letter_id: int, by: str, reason: str = "") -> DeadLetter:
    """Deliver the event to its consumer again, with all its attempts before it.

    If the consumer has consumed it meanwhile, the inbox skips it. An unroutable event goes to all
    who subscribe by now.
    """
    with transaction.atomic():
        letter = _open_letter(dead_letter_id)
        if letter.cause == DeadLetter.Cause.UNREADABLE or not letter.event_id:
            raise NotReplayable(f"dead letter {letter.pk}: {NotReplayable.__doc__}")
        outbox.enqueue(
            message_id=letter.event_id,
            aggregate_id=_aggregate_of(letter),
            type=letter.type,
            queue=events_queue(letter.app) if letter.app else "",
            body=letter.body,
            headers={},
        )
        return _close(letter, DeadLetter.Status.REPLAYED, "replay", by, reason)


def discard_dead_letter(*, dead_letter_id: int, by: str, reason: str) -> DeadLetter:
    """Give up on a message; it stays readable here."""
    if not reason.strip():
        raise ReasonMissing(ReasonMissing.__doc__)
    with transaction.atomic():
        letter = _open_letter(dead_letter_id)
        return _close(letter, DeadLetter.Status.DISCARDED, "discard", by, reason)


def replay_dead_letters(*, dead_letter_ids: Iterable[int], by: str) -> tuple[int, list[str]]:
    """Replay many; return how many were, and why the others were not."""
    return _each(dead_letter_ids, partial(replay_dead_letter, by=by))


def discard_dead_letters(*, dead_letter_ids: Iterable[int], by: str, reason: str) -> tuple[int, list[str]]:
    """Discard many; return how many were, and why the others were not."""
    return _each(dead_letter_ids, partial(discard_dead_letter, by=by, reason=reason))


def _each(dead_letter_ids: Iterable[int], act: Callable[..., DeadLetter]) -> tuple[int, list[str]]:
    done, refusals = 0, []
    for dead_letter_id in dead_letter_ids:
        try:
            act(dead_letter_id=dead_letter_id)
        except MessagingError as error:
            refusals.append(str(error))
        else:
            done += 1
    return done, refusals


def _open_letter(dead_letter_id: int) -> DeadLetter:
    letter = DeadLetter.objects.select_for_update().get(pk=dead_letter_id)
    if letter.status != DeadLetter.Status.OPEN:
        raise NotOpen(f"dead letter {letter.pk} has been {letter.status} already")
    return letter


def _aggregate_of(letter: DeadLetter) -> UUID:
    return letter.aggregate_id or UUID(json.loads(letter.body)["subject"])


def _close(letter: DeadLetter, status: str, action: str, by: str, reason: str) -> DeadLetter:
    letter.status = status
    letter.save(update_fields=["status"])
    DeadLetterAction.objects.create(dead_letter=letter, action=action, by=by, reason=reason)
    return letter
