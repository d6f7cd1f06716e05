"""Periodic Celery task of the storefront."""

from typing import Any

from celery import Task, shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from shop.messaging.pruning import continue_pruning, prune


@shared_task(name="storefront.prune_sessions", bind=True, ignore_result=False)
def prune_sessions(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete expired sessions."""
    return continue_pruning(self, prune(Session.objects.all(), by="expire_date", before=timezone.now()))
