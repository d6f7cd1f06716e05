"""Periodic Celery task of webhooks."""

from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from shop.messaging.pruning import continue_pruning, prune
from shop.webhooks.models import ProviderNotice


@shared_task(name="webhooks.prune_notices", bind=True, ignore_result=False)
def prune_notices(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete old notices of providers, with what they say about customers."""
    horizon = timezone.now() - settings.SHOP_WEBHOOK_RETENTION
    return continue_pruning(self, prune(ProviderNotice.objects.all(), by="received_at", before=horizon))
