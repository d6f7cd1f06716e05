"""Periodic Celery task of the REST API."""

from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from shop.messaging.pruning import continue_pruning, prune
from shop.rest.models import IdempotencyRecord


@shared_task(name="rest.prune_idempotency_keys", bind=True, ignore_result=False)
def prune_idempotency_keys(self: "Task[Any, Any]") -> dict[str, int]:
    """Let old Idempotency-Keys expire, with their answers."""
    horizon = timezone.now() - settings.SHOP_IDEMPOTENCY_KEY_RETENTION
    return continue_pruning(self, prune(IdempotencyRecord.objects.all(), by="created_at", before=horizon))
