"""Refund of an order that staff requested: what for, how much, and what became of it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from orders.models.order import Order
from orders.states import CANCELLABLE, Status
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money

#: Characters of the reason of a refund.
MAX_REASON = 300


class RefundRequest(models.Model):
    """A refund that staff requested, under the id that its payment's refund has as well."""

    class State(models.TextChoices):
        """State of a refund as its order knows it."""

        #: Requested: payments, or the provider, is at it.
        REQUESTED = "requested", "Requested"
        #: The customer has the money.
        SUCCEEDED = "succeeded", "Given back"
        #: The provider refused, or there was not as much left. It may be retried in payments.
        FAILED = "failed", "Failed"

    #: Columns that are written with the request and never change.
    SET_ONCE = ("id", "order", "currency", "lines", "restock", "reason", "cancels", "created_at")
    #: Columns that its outcome changes.
    CHANGEABLE: ClassVar[tuple[str, ...]] = ("state", "failure_code", "amount", "changed_at")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    #: What was requested; what was given back, if the provider had given back a part by itself.
    amount = AmountField()
    currency = models.CharField(max_length=3)
    #: ``[{"sku": ..., "quantity": ...}]``; empty for a refund of an amount.
    lines = models.JSONField(default=list, blank=True)
    restock = models.BooleanField(default=False, help_text="The goods are back, and go into the stock.")
    reason = models.CharField(max_length=MAX_REASON, help_text="For operators. Erased with the customer.")
    #: It is of all the money of an order that has not left: its cancellation gives it back.
    cancels = models.BooleanField(default=False, help_text="It cancels the order.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    failure_code = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        verbose_name = "refund"
        indexes = [
            models.Index(fields=["order", "id"], name="refundrequest_by_order"),
            models.Index(
                fields=["state", "-id"], condition=~Q(state="succeeded"), name="refundrequest_not_done"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="refundrequest_not_negative"),
            models.CheckConstraint(
                condition=Q(restock=False) | ~Q(lines=[]), name="refundrequest_restocks_lines"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} back"

    @property
    def customer_id(self) -> int:
        """The customer, whose own it is."""
        return self.order.customer_id

    @property
    def money(self) -> Money:
        """The amount with its currency."""
        return Money.stored(self.amount, self.currency)

    @property
    def quantities(self) -> dict[str, int]:
        """The quantities that it is for, by SKU."""
        lines: list[dict[str, Any]] = self.lines
        return {line["sku"]: line["quantity"] for line in lines}

    @property
    def outcome(self) -> str:
        """The state; that of a refund that cancels its order is read from the order."""
        if not self.cancels:
            return self.state
        if self.order.status == Status.CANCELLED or self.order.payment_undone:
            return self.State.SUCCEEDED
        is_under_way = self.order.stage in (*CANCELLABLE, Status.CANCELLING)
        return self.State.REQUESTED if is_under_way else self.State.FAILED

    @property
    def failure(self) -> str:
        """The code of the failure; empty without one."""
        if self.cancels:
            return "parcel_has_left" if self.outcome == self.State.FAILED else ""
        return self.failure_code
