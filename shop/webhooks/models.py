"""Models of webhooks: the notices of providers, and how far each provider was asked for missed ones."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from shop.ids import uuid7


class ProviderNotice(models.Model):
    """A provider's message that something has happened, as it came."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=30, editable=False)
    #: The provider's id of the message.
    event_id = models.CharField(max_length=255, editable=False)
    kind = models.CharField(max_length=100, editable=False)
    #: The provider's id of the object that it is about.
    about = models.CharField(max_length=255, editable=False)
    #: The body, encrypted: it may name customers.
    body = models.BinaryField(editable=False)
    received_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    #: Time at which its context had asked the provider, and recorded the answer.
    worked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="notice_once")]
        indexes = [
            models.Index(fields=["received_at"], condition=Q(worked_at=None), name="notice_unworked"),
            models.Index(fields=["about"], name="notice_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.kind} of {self.about}"


class AskedUntil(models.Model):
    """The moment until which a provider was asked for notices that did not come."""

    provider = models.CharField(primary_key=True, max_length=30, editable=False)
    at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name_plural = "asked until"

    def __str__(self) -> str:
        return self.provider
