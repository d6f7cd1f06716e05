"""The simulated carrier's own tables, as if they were in another company's database."""

from uuid import uuid4

from django.db import models
from django.utils import timezone

from shipping.carrier import Label, LabelStatus

#: What the carrier calls itself.
CARRIER = "SimPost"


def new_tracking_number() -> str:
    """What the customer follows the parcel by."""
    return f"SP{uuid4().hex[:16].upper()}"


class SimulatedLabel(models.Model):
    """A booking at the simulated carrier."""

    class Status(models.TextChoices):
        BOOKED = LabelStatus.BOOKED.value
        REFUSED = LabelStatus.REFUSED.value
        VOIDED = LabelStatus.VOIDED.value

    tracking_number = models.CharField(primary_key=True, max_length=40, default=new_tracking_number)
    key = models.CharField(max_length=255, unique=True)
    status = models.CharField(max_length=10, choices=Status)
    code = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)
    name = models.TextField(blank=True)
    street = models.TextField(blank=True)
    city = models.TextField(blank=True)
    postal_code = models.TextField(blank=True)
    country = models.CharField(max_length=2, blank=True)
    #: What happened to the parcel so far: ``[["pre_transit", "2025-01-01T12:00:00+00:00"], ...]``.
    scans = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "label at the simulated carrier"
        verbose_name_plural = "labels at the simulated carrier"

    def __str__(self) -> str:
        return f"{self.tracking_number}: {self.status}"

    def as_label(self) -> Label:
        """Return it in the words of the port."""
        return Label(
            status=LabelStatus(self.status),
            carrier=CARRIER,
            tracking_number=self.tracking_number,
            code=self.code,
            message=self.message,
        )


class CarrierFault(models.Model):
    """Something wrong with the simulated carrier, seen by all processes; delete the row to mend it."""

    class Kind(models.TextChoices):
        #: Refuses every call, and does nothing.
        OUTAGE = "outage"
        #: Does what it is asked, and then does not answer.
        TIMEOUT = "timeout"
        #: Answers, but late.
        SLOW = "slow"

    class Operation(models.TextChoices):
        BOOK = "book"
        FIND_BOOKING = "find_booking"
        VOID = "void"
        TRACK = "track"

    kind = models.CharField(max_length=10, choices=Kind)
    #: Empty for all calls.
    operation = models.CharField(max_length=20, choices=Operation, blank=True)
    #: Added to every answer.
    seconds = models.FloatField(default=0)
    #: How many calls it hits; empty until the row is deleted.
    calls_left = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "fault of the simulated carrier"
        verbose_name_plural = "faults of the simulated carrier"

    def __str__(self) -> str:
        return f"{self.kind} of {self.operation or 'every call'}"
