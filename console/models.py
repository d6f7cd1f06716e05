"""Records of the order doctor: check-ups with their findings, and repairs."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext

from shop.moments import shown


class Checkup(models.Model):
    """Check-up of the whole shop."""

    by = models.CharField(max_length=150)
    began_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True)
    #: False if it only audited.
    repairing = models.BooleanField()
    orders = models.IntegerField(default=0)
    repaired = models.IntegerField(default=0)
    under_way = models.IntegerField(default=0)
    left = models.IntegerField(default=0, help_text="Findings that need a person.")
    #: Findings for the page of the doctor, up to a limit.
    findings = models.JSONField(default=list)
    notes = models.JSONField(default=list)

    class Meta:
        verbose_name = "check-up"
        permissions = [
            ("audit_shop", "Can have the shop audited"),
            ("run_doctor", "Can have the shop audited and repaired"),
        ]

    def __str__(self) -> str:
        return gettext("check-up of {moment}").format(moment=shown(self.began_at))

    @property
    def found(self) -> int:
        """Number of findings."""
        return self.repaired + self.under_way + self.left


class RepairQuerySet(models.QuerySet["Repair"]):
    """Queries over the repairs."""

    def history(self, keys: Iterable[str]) -> dict[str, tuple[int, datetime]]:
        """Return the number of repairs and the time of the last one, by key."""
        rows = self.filter(key__in=list(keys)).values_list("key").annotate(n=Count("pk"), last=Max("at"))
        return {key: (times, last) for key, times, last in rows.order_by()}


class Repair(models.Model):
    """Repair made by the doctor. Immutable."""

    #: Identity of the damage: the same damage has the same key.
    key = models.CharField(max_length=250, db_index=True)
    kind = models.CharField(max_length=20)
    order_id = models.UUIDField("order", null=True, db_index=True)
    #: Problem in words.
    wrong = models.TextField()
    #: Action in words.
    done = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RepairQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.kind}: {self.done}"


class Alert(models.Model):
    """Something that operators were alerted about."""

    #: Identity of what needs attention.
    key = models.CharField(max_length=250, primary_key=True)
    text = models.TextField()
    #: It still needs attention.
    is_open = models.BooleanField(default=True)
    alerted_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class LostOrder(models.Model):
    """Decision on an order that a restore of the database has lost."""

    class Decision(models.TextChoices):
        #: Its label is void, and everything was given back.
        REFUNDED = "refunded"
        #: Its goods have left, and its money was taken.
        KEPT = "kept"
        #: It was entered again under its own id, or a lost charge pays it.
        REINSTATED = "reinstated"

    order_id = models.UUIDField("order", primary_key=True)
    number = models.CharField(max_length=40, blank=True)
    decision = models.CharField(max_length=10, choices=Decision)
    #: What was known of it, in words.
    found = models.TextField()
    by = models.CharField(max_length=150)
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "lost order"

    def __str__(self) -> str:
        return f"{self.number or self.order_id}: {self.decision}"
