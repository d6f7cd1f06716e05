"""Records of bookings at EasyPost, which knows no idempotency keys: the shipment and the outcome of each key.

Each fact is written once. Whoever comes second learns it: two workers buy the same shipment, and a key that
was voided stays voided.
"""

from collections.abc import Collection, Iterable

from django.db import models
from django.utils import timezone

from shipping.carrier import Label, LabelStatus
from shop.postgres.statements import insert_new, update_where


class EasyPostBooking(models.Model):
    """Booking at EasyPost under one key."""

    class Outcome(models.TextChoices):
        BOOKED = LabelStatus.BOOKED.value
        REFUSED = LabelStatus.REFUSED.value
        VOIDED = LabelStatus.VOIDED.value

    key = models.CharField(primary_key=True, max_length=100)
    #: Digest of the destination that the key was first used for; empty if it was voided before.
    request = models.CharField(max_length=64, blank=True)
    #: EasyPost's id of the only shipment that is ever bought for the key.
    shipment = models.CharField(max_length=50, blank=True)
    #: Empty until it is known.
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    carrier = models.CharField(max_length=50, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "booking at EasyPost"
        verbose_name_plural = "bookings at EasyPost"
        indexes = [models.Index(fields=["shipment"], name="easypost_by_shipment")]

    def __str__(self) -> str:
        return f"{self.key}: {self.outcome or 'no outcome yet'}"

    @property
    def label(self) -> Label | None:
        """The outcome as an answer of the port; None until it is known."""
        if not self.outcome:
            return None
        return Label(LabelStatus(self.outcome), self.carrier, self.tracking_number, self.code, self.message)


def open_records(wanted: Iterable[EasyPostBooking]) -> dict[str, EasyPostBooking]:
    """Insert the records of new keys; return the records of all as they stand, by key."""
    rows = sorted(wanted, key=lambda record: record.key)
    insert_new(rows)
    return records_of([row.key for row in rows])


def records_of(keys: Collection[str]) -> dict[str, EasyPostBooking]:
    """Return the records of keys as they stand, by key."""
    return {record.key: record for record in EasyPostBooking.objects.filter(key__in=keys)}


def name_shipments(shipments: dict[str, str]) -> dict[str, EasyPostBooking]:
    """Write the shipments of keys that have none; return the records as they stand, by key."""
    rows = [EasyPostBooking(key=key, shipment=shipment) for key, shipment in sorted(shipments.items())]
    update_where(rows, ["shipment"], where={"shipment": ""}, lock_by="key")
    return records_of(shipments)


def settle(labels: dict[str, Label]) -> dict[str, EasyPostBooking]:
    """Write the outcomes of keys that have none; return the records as they stand, by key."""
    rows = [
        EasyPostBooking(
            key=key,
            outcome=label.status.value,
            carrier=label.carrier,
            tracking_number=label.tracking_number,
            code=label.code,
            message=label.message,
        )
        for key, label in sorted(labels.items())
    ]
    names = ["outcome", "carrier", "tracking_number", "code", "message"]
    update_where(rows, names, where={"outcome": ""}, lock_by="key")
    return records_of(labels)
