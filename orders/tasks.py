"""Tasks of orders: scheduled ones, whose results are kept, and bulk actions of operators."""

from typing import Any
from uuid import UUID

from celery import Task, shared_task

from orders import services
from orders.bulk.services import run
from shop.messaging.pruning import continue_pruning


@shared_task(name="orders.prune_idempotency_keys", bind=True, ignore_result=False)
def prune_idempotency_keys(self: "Task[Any, Any]") -> dict[str, int]:
    """Let old Idempotency-Keys expire."""
    return continue_pruning(self, services.forget_idempotency_keys())


@shared_task(name="orders.run_bulk_action", bind=True, ignore_result=True)
def run_bulk_action(self: "Task[Any, Any]", bulk_id: str) -> None:
    """Run a bulk action; after a slice of time another run goes on."""
    if not run(bulk_id=UUID(bulk_id)):
        self.delay(bulk_id=bulk_id)
