"""Scheduled task of notifications. Its result is stored."""

from typing import Any

from celery import Task, shared_task

from notifications import services
from shop.messaging.pruning import continue_pruning


@shared_task(name="notifications.prune_messages", bind=True, ignore_result=False)
def prune_messages(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete messages that were sent long ago."""
    return continue_pruning(self, services.forget_messages())
