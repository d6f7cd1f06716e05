"""Periodic Celery tasks of accounts."""

from datetime import timedelta
from typing import Any

from celery import Task, shared_task
from django.utils import timezone

from shop.accounts import mails
from shop.accounts.models import AccountMail, ApiKey, FailedLogin, RequestCount
from shop.messaging.pruning import Pruned, continue_pruning, prune

#: Time for which the owner still sees that a key has ended.
SEEN_AFTER_END = timedelta(days=30)


@shared_task(name="accounts.prune_keys", bind=True, ignore_result=False)
def prune_keys(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete API keys that ended long ago."""
    ended = prune(ApiKey.objects.all(), by="expires_at", before=timezone.now() - SEEN_AFTER_END)
    return continue_pruning(self, ended)


@shared_task(name="accounts.prune_counters", bind=True, ignore_result=False)
def prune_counters(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete counters of windows that have ended, and failed logins that are forgotten."""
    now = timezone.now()
    counts = prune(RequestCount.objects.all(), by="expires_at", before=now)
    failures = prune(FailedLogin.objects.all(), by="expires_at", before=now)
    both = Pruned(counts.rows + failures.rows, counts.finished and failures.finished)
    return continue_pruning(self, both)


@shared_task(name="accounts.send_mails", ignore_result=True)
def send_mails() -> None:
    """Send the e-mails that the web processes could not send."""
    mails.send_due()


@shared_task(name="accounts.prune_mails", bind=True, ignore_result=False)
def prune_mails(self: "Task[Any, Any]") -> dict[str, int]:
    """Delete the e-mails of yesterday."""
    old = timezone.now() - timedelta(days=1)
    return continue_pruning(self, prune(AccountMail.objects.all(), by="created_at", before=old))
