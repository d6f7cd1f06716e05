"""Return of goods: what for, how far, what came back, and the money that followed."""

from collections import Counter
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from orders.models.order import Order
from orders.models.refund import RefundRequest
from shop.ids import uuid7

#: Characters of the reason of a return, and of its refusal.
MAX_REASON = 300


class Return(models.Model):
    """Goods of an order that its customer sends back, asked for by the customer or by staff."""

    class State(models.TextChoices):
        """State of a return."""

        #: Asked for: an operator decides.
        REQUESTED = "requested", "Requested"
        #: The customer may send the goods. Some of them may be here.
        APPROVED = "approved", "Approved"
        #: An operator refused it. The end.
        REJECTED = "rejected", "Refused"
        #: All goods are here. The end.
        RECEIVED = "received", "Received"
        #: The customer keeps the goods, or the rest of them. The end.
        CANCELLED = "cancelled", "Withdrawn"
        #: The goods, or the rest of them, did not come in time. The end.
        EXPIRED = "expired", "Expired"

    #: States in which goods may still come.
    LIVE = (State.REQUESTED, State.APPROVED)
    #: Columns that are written with the request and never change.
    SET_ONCE = ("id", "order", "by_customer", "reason", "created_at")
    #: Columns that decisions and receipts change.
    CHANGEABLE: ClassVar[tuple[str, ...]] = ("state", "refusal", "arrive_by", "changed_at")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns", db_index=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    by_customer = models.BooleanField("asked for by the customer")
    reason = models.CharField(max_length=MAX_REASON, help_text="Erased with the customer.")
    refusal = models.CharField(
        "why it was refused", max_length=MAX_REASON, blank=True, help_text="Erased with the customer."
    )
    #: The goods have to be here by then.
    arrive_by = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        permissions = [
            ("request_return", "Can ask for returns of orders of others"),
            ("decide_return", "Can approve, refuse and withdraw returns"),
            ("receive_return", "Can receive the goods of returns"),
        ]
        indexes = [
            models.Index(fields=["order", "id"], name="return_by_order"),
            models.Index(
                fields=["state", "-id"], condition=Q(state__in=["requested", "approved"]), name="return_live"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(arrive_by__isnull=False), name="return_approved_until"
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected") | ~Q(refusal=""), name="return_refused_for_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"Return of {self.order.number}"

    @property
    def customer_id(self) -> int:
        """The customer, whose own it is."""
        return self.order.customer_id

    @property
    def is_live(self) -> bool:
        """Tell whether goods may still come."""
        return self.state in self.LIVE

    @property
    def taken(self) -> Counter[str]:
        """The quantities that no other return and no refund may be for: what came, or still may come."""
        return Counter(
            {line.sku: line.quantity if self.is_live else line.received for line in self.lines.all()}
        )


class ReturnLine(models.Model):
    """A quantity of a product in a return, and what of it came back."""

    order_return = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines", db_index=False)
    sku = models.CharField("SKU", max_length=64)
    quantity = models.IntegerField()
    restocked = models.IntegerField(default=0, help_text="Came back, and went into the stock.")
    written_off = models.IntegerField(default=0, help_text="Came back, and cannot be sold again.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["order_return", "sku"], name="returnline_once_per_sku"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="returnline_quantity_positive"),
            models.CheckConstraint(
                condition=Q(restocked__gte=0, written_off__gte=0), name="returnline_received_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("restocked") + F("written_off")),
                name="returnline_no_more_than_approved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"

    @property
    def received(self) -> int:
        """The quantity that came back."""
        return self.restocked + self.written_off

    @property
    def awaited(self) -> int:
        """The quantity that has not come back."""
        return self.quantity - self.received


class ReturnReceipt(models.Model):
    """Goods of a return that came back together, and the refund that followed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_return = models.ForeignKey(
        Return, on_delete=models.PROTECT, related_name="receipts", db_index=False
    )
    #: ``[{"sku": ..., "restocked": ..., "written_off": ...}]``.
    lines = models.JSONField(default=list)
    #: None if nothing is given back.
    refund = models.OneToOneField(
        RefundRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="receipt"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["order_return", "id"], name="returnreceipt_by_return")]

    def __str__(self) -> str:
        return f"Receipt of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def restocked(self) -> dict[str, int]:
        """The quantities that go into the stock, by SKU."""
        lines: list[dict[str, Any]] = self.lines
        return {line["sku"]: line["restocked"] for line in lines if line["restocked"]}
