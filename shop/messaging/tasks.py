"""Celery tasks of the kernel: pruning, and signing of the log."""

from typing import Any

from celery import Task, shared_task

from shop.messaging.dead_letters import tasks as dead_letters  # noqa: F401 - Celery looks in no sub-package
from shop.messaging.log_proof import roots
from shop.messaging.operations import retention
from shop.messaging.pruning import continue_pruning


@shared_task(name="messaging.prune_inbox", bind=True, ignore_result=False)
def prune_inbox(self: Task[Any, Any]) -> dict[str, int]:
    """Delete inbox rows past their retention."""
    return continue_pruning(self, retention.prune_inbox())


@shared_task(name="messaging.prune_results", bind=True, ignore_result=False)
def prune_results(self: Task[Any, Any]) -> dict[str, int]:
    """Delete task results past their retention."""
    return continue_pruning(self, retention.prune_results())


@shared_task(name="messaging.sign_log", ignore_result=False)
def sign_log() -> int:
    """Sign a root over the new events of the log; return their number."""
    return roots.sign_new_events()
