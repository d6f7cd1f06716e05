"""What consuming leaves behind; the naive way's inbox stands beside it, for its rows are the same."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Weighing(models.Model):
    """The effect. Its ids have no gaps while nothing fails, so the highest one is the number of rows."""

    objects: ClassVar[models.Manager["Weighing"]] = models.Manager()

    parcel_id = models.UUIDField()
    grams = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.grams} g"


class Seen(models.Model):
    """The naive way's inbox."""

    objects: ClassVar[models.Manager["Seen"]] = models.Manager()

    event_id = models.UUIDField()
    consumer = models.CharField(max_length=150)
    consumed_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "consumer"], name="seen_once")]

    def __str__(self) -> str:
        return str(self.event_id)
