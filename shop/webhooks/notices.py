"""Notices of providers: stored once, delivered to their context, and marked when it has worked them."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from shop.messaging.scheduling import deliver
from shop.postgres.statements import insert_once
from shop.webhooks.endpoints import Endpoint, Notice, StoredNotice, endpoint_of
from shop.webhooks.models import AskedUntil, ProviderNotice
from shop.webhooks.sealing import open_sealed, seal


@transaction.atomic
def receive(provider: str, notice: Notice, body: bytes, *, endpoint: Endpoint) -> bool:
    """Store a notice and deliver it to its context; return False for one that is stored already."""
    row = ProviderNotice(provider=provider, event_id=notice.event_id, kind=notice.kind, about=notice.about)
    row.body = seal(body, row.id)
    if not insert_once(row):
        return False
    deliver(endpoint.reminder(row.id))
    return True


def find(notice_id: UUID) -> Notice | None:
    """Return a notice; None if it is past its retention."""
    row = ProviderNotice.objects.filter(pk=notice_id).values_list("event_id", "kind", "about").first()
    return Notice(*row) if row else None


def stored(notice_id: UUID) -> StoredNotice | None:
    """Return a notice as it came, for a provider that cannot be asked; None if it is past its retention.

    Raises:
        InvalidToken: the secret key under which the body was encrypted is forgotten.
    """
    row = ProviderNotice.objects.filter(pk=notice_id).first()
    return StoredNotice(row.provider, open_sealed(bytes(row.body), row.pk), row.received_at) if row else None


def mark_as_worked(notice_id: UUID) -> None:
    """Record, with the open transaction, that the context has recorded what the provider answered."""
    ProviderNotice.objects.filter(pk=notice_id, worked_at=None).update(worked_at=timezone.now())


def unworked(*, grace: timedelta) -> dict[UUID, str]:
    """Return the notices that were received before ``grace`` and are not worked, in words."""
    old = ProviderNotice.objects.filter(worked_at=None, received_at__lt=timezone.now() - grace)
    return {row.pk: str(row) for row in old.order_by("received_at").defer("body")[:1000]}


@transaction.atomic
def deliver_again(notice_id: UUID) -> bool:
    """Deliver a notice again if it is not worked; return whether it was delivered."""
    row = ProviderNotice.objects.filter(pk=notice_id, worked_at=None).defer("body").first()
    endpoint = endpoint_of(row.provider) if row else None
    if endpoint is None:
        return False
    deliver(endpoint.reminder(notice_id))
    return True


def asked_until(provider: str) -> datetime | None:
    """Return the moment until which a provider was asked for missed notices; None if it never was."""
    return AskedUntil.objects.filter(pk=provider).values_list("at", flat=True).first()


def note_asked(provider: str, *, until: datetime) -> None:
    """Record the moment until which a provider was asked."""
    AskedUntil.objects.update_or_create(pk=provider, defaults={"at": until})
