"""Keeps tables small: what has outlived its retention goes in batches, each in a transaction of its own."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from celery import Task
from django.db import transaction
from django.db.models import QuerySet

#: Rows forgotten in one transaction: it is short, and others hardly notice.
BATCH = 2000
#: Seconds after which a run ends, far below the time limit of its task.
TIME_LIMIT = 30.0

#: Forgets rows: deletes them, or blanks what is not to be kept.
Forget = Callable[[QuerySet[Any]], object]


class Pruned(NamedTuple):
    """What a run of pruning did."""

    rows: int
    #: Whether all that was old is gone; otherwise its time was up.
    finished: bool


def prune(rows: QuerySet[Any], *, by: str, before: object, forget: Forget = QuerySet.delete) -> Pruned:
    """Forget the rows whose column ``by``, which has an index, is less than ``before``; the oldest first.

    Any number may prune at once: each takes rows that nobody holds, and waits for none. What somebody
    holds at the moment is left to the next run.
    """
    deadline = time.monotonic() + TIME_LIMIT
    old, done = rows.filter(**{f"{by}__lt": before}).order_by(by), 0
    while batch := _prune_batch(old, by, forget):
        done += len(batch)
        if time.monotonic() > deadline:
            return Pruned(done, finished=False)
        # What has just been deleted is still in the index: it must not be stepped over again and again.
        old = old.filter(**{f"{by}__gte": batch[-1][1]})
    return Pruned(done, finished=True)


@transaction.atomic
def _prune_batch(old: QuerySet[Any], by: str, forget: Forget) -> list[tuple[object, object]]:
    batch = list(old.select_for_update(skip_locked=True).values_list("pk", by)[:BATCH])
    if batch:
        forget(old.model._default_manager.filter(pk__in=[pk for pk, _ in batch]))
    return batch


def continue_pruning(task: Task[Any, Any], pruned: Pruned) -> dict[str, int]:
    """The result of a pruning task; one whose time was up is started again."""
    if not pruned.finished:
        task.delay()
    return {"pruned": pruned.rows}
