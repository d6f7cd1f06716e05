"""Scheduled tasks of orders. Their results are kept."""

from typing import Any

from celery import Task, shared_task

from orders import services
from shop.messaging.pruning import continue_pruning


@shared_task(name="orders.prune_idempotency_keys", bind=True, ignore_result=False)
def prune_idempotency_keys(self: "Task[Any, Any]") -> dict[str, int]:
    """Let old Idempotency-Keys expire."""
    return continue_pruning(self, services.forget_idempotency_keys())
