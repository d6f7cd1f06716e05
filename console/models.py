"""What the doctor remembers: each check-up with its findings, and every repair that was ever made."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Count, Max
from django.utils import timezone


class Checkup(models.Model):
    """One look at the whole shop, and what was done about what it found."""

    by = models.CharField(max_length=150)
    began_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True)
    #: Whether it repaired; else it only looked.
    repairing = models.BooleanField()
    orders = models.IntegerField(default=0)
    repaired = models.IntegerField(default=0)
    under_way = models.IntegerField(default=0)
    left = models.IntegerField(default=0, help_text="Findings that need a person.")
    #: The findings as the page shows them, up to a limit.
    findings = models.JSONField(default=list)
    notes = models.JSONField(default=list)

    class Meta:
        verbose_name = "check-up"
        permissions = [("run_doctor", "Can have the shop audited and repaired")]

    def __str__(self) -> str:
        return f"check-up of {self.began_at:%Y-%m-%d %H:%M}"

    @property
    def found(self) -> int:
        """How many findings there were."""
        return self.repaired + self.under_way + self.left


class RepairQuerySet(models.QuerySet["Repair"]):
    def history(self, keys: Iterable[str]) -> dict[str, tuple[int, datetime]]:
        """Key -> how often it was done, and when last."""
        rows = self.filter(key__in=list(keys)).values_list("key").annotate(n=Count("pk"), last=Max("at"))
        return {key: (times, last) for key, times, last in rows.order_by()}


class Repair(models.Model):
    """Something that the doctor did, never changed afterwards."""

    #: What was repaired; the same damage has the same key.
    key = models.CharField(max_length=250, db_index=True)
    kind = models.CharField(max_length=20)
    order_id = models.UUIDField("order", null=True, db_index=True)
    #: What was wrong.
    wrong = models.TextField()
    #: What was done about it.
    done = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RepairQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.kind}: {self.done}"
