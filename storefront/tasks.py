"""What time starts: it runs in a worker, and its result is kept."""

from typing import Any

from celery import Task, shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from shop.messaging.pruning import continue_pruning, prune


@shared_task(name="storefront.prune_sessions", bind=True, ignore_result=False)
def prune_sessions(self: "Task[Any, Any]") -> dict[str, int]:
    """Forget the sessions of visitors who have not come back in time."""
    return continue_pruning(self, prune(Session.objects.all(), by="expire_date", before=timezone.now()))
