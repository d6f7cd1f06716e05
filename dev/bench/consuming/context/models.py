"""Rows written by consuming, and the inbox of the plain Celery task."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Weighing(models.Model):
    """Effect of an event. Without failures its ids have no gaps: the highest one is the number of rows."""

    objects: ClassVar[models.Manager["Weighing"]] = models.Manager()

    parcel_id = models.UUIDField()
    grams = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.grams} g"


class Seen(models.Model):
    """Inbox entry of the plain Celery task."""

    objects: ClassVar[models.Manager["Seen"]] = models.Manager()

    event_id = models.UUIDField()
    consumer = models.CharField(max_length=150)
    consumed_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "consumer"], name="seen_once")]

    def __str__(self) -> str:
        return str(self.event_id)
