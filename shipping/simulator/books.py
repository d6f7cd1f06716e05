"""Models of the simulated carrier: its own books, as if they were in another company's database."""

from uuid import uuid4

from django.db import models
from django.utils import timezone

from shipping.carrier import Label, LabelStatus
from shop.simulation.faults import Fault, FaultKind

#: Name of the carrier.
CARRIER = "SimPost"


def new_tracking_number() -> str:
    """Return a new tracking number."""
    return f"SP{uuid4().hex[:16].upper()}"


class SimulatedLabel(models.Model):
    """Label at the simulated carrier."""

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
    second_line = models.TextField(blank=True, default="", db_default="")
    region = models.TextField(blank=True, default="", db_default="")
    phone = models.TextField(blank=True, default="", db_default="")
    #: Scans of the parcel, oldest first: ``[["pre_transit", "2025-01-01T12:00:00+00:00"], ...]``.
    scans = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "label at the simulated carrier"
        verbose_name_plural = "labels at the simulated carrier"

    def __str__(self) -> str:
        return f"{self.tracking_number}: {self.status}"

    def as_label(self) -> Label:
        """Return the label as an answer of the port."""
        return Label(
            status=LabelStatus(self.status),
            carrier=CARRIER,
            tracking_number=self.tracking_number,
            code=self.code,
            message=self.message,
        )


class CarrierFault(Fault):
    """Fault of the simulated carrier, seen by all processes. Deleting the row ends it."""

    class Operation(models.TextChoices):
        BOOK = "book"
        FIND_BOOKING = "find_booking"
        VOID = "void"
        TRACK = "track"

    kind = models.CharField(max_length=10, choices=FaultKind)
    #: Operation that has the fault; empty for all.
    operation = models.CharField(max_length=20, choices=Operation, blank=True)

    class Meta:
        verbose_name = "fault of the simulated carrier"
        verbose_name_plural = "faults of the simulated carrier"
