"""Scheduled task of integrations. Its result is stored."""

from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from integrations.models import Delivery
from shop.messaging.pruning import continue_pruning, prune


@shared_task(name="integrations.prune_deliveries", bind=True, ignore_result=False)
def prune_deliveries(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete deliveries that ended long ago, with their attempts."""
    horizon = timezone.now() - settings.SHOP_ENDPOINT_RETENTION
    return continue_pruning(self, prune(Delivery.objects.all(), by="finished_at", before=horizon))
