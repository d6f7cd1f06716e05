"""Celery tasks of the kernel that keep its tables small."""

from typing import Any

from celery import Task, shared_task

from shop.messaging.operations import retention
from shop.messaging.pruning import continue_pruning


@shared_task(name="messaging.prune_inbox", bind=True, ignore_result=False)
def prune_inbox(self: Task[Any, Any]) -> dict[str, int]:
    """Forget what was consumed long ago."""
    return continue_pruning(self, retention.forget_consumed())


@shared_task(name="messaging.prune_results", bind=True, ignore_result=False)
def prune_results(self: Task[Any, Any]) -> dict[str, int]:
    """Forget what tasks returned long ago."""
    return continue_pruning(self, retention.forget_results())
