"""Deletion of rows past their retention, in batches, each in its own transaction."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from celery import Task
from django.db import transaction
from django.db.models import QuerySet

#: Rows in one transaction. It is short, so that its locks block others only briefly.
BATCH = 2000
#: Seconds after which a run stops, far below the time limit of its task.
TIME_LIMIT = 30.0

#: Deletes rows, or erases the columns that must not be kept.
Forget = Callable[[QuerySet[Any]], object]


class Pruned(NamedTuple):
    """Result of a pruning run."""

    rows: int
    #: No old rows are left; False if the run reached its time limit.
    finished: bool


def prune(rows: QuerySet[Any], *, by: str, before: object, forget: Forget = QuerySet.delete) -> Pruned:
    """Forget the rows whose column ``by`` is less than ``before``, oldest first.

    Concurrent runs share the work: each skips rows that are locked, and leaves them to the next run.

    Args:
        rows: the table, or the part of it that may be pruned.
        by: an indexed column.
        before: the bound, exclusive.
        forget: deletes a batch of rows, or erases columns.
    """
    deadline = time.monotonic() + TIME_LIMIT
    old, done = rows.filter(**{f"{by}__lt": before}).order_by(by), 0
    while batch := _prune_batch(old, by, forget):
        done += len(batch)
        if time.monotonic() > deadline:
            return Pruned(done, finished=False)
        # Deleted rows stay in the index until VACUUM. The next batch must not scan them again.
        old = old.filter(**{f"{by}__gte": batch[-1][1]})
    return Pruned(done, finished=True)


@transaction.atomic
def _prune_batch(old: QuerySet[Any], by: str, forget: Forget) -> list[tuple[object, object]]:
    batch = list(old.select_for_update(skip_locked=True).values_list("pk", by)[:BATCH])
    if batch:
        forget(old.model._default_manager.filter(pk__in=[pk for pk, _ in batch]))
    return batch


def continue_pruning(task: Task[Any, Any], pruned: Pruned) -> dict[str, int]:
    """Return the result of a pruning task. Start the task again if it reached its time limit."""
    if not pruned.finished:
        task.delay()
    return {"pruned": pruned.rows}
