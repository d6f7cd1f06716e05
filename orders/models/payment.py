"""Attempt to pay an order, kept where the customer has to do something about it."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from orders.models.order import Order
from orders.states import PaymentNeeds
from shop.ids import uuid7


class PaymentAttempt(models.Model):
    """An attempt to pay an order. An order that is simply paid has no row: its first attempt succeeded."""

    class State(models.TextChoices):
        """State of an attempt, in the words of Stripe's PaymentIntents."""

        PROCESSING = "processing", "Under way"
        REQUIRES_ACTION = PaymentNeeds.CONFIRMATION.value, "To be confirmed by the customer"
        DECLINED = PaymentNeeds.OTHER_MEANS.value, "Declined"
        SUCCEEDED = "succeeded", "Paid"
        CANCELED = "canceled", "Cancelled"

    #: States that something can follow.
    OPEN: ClassVar[tuple[str, ...]] = (State.PROCESSING, State.REQUIRES_ACTION)
    #: Columns that are written with the attempt and never change.
    SET_ONCE = ("id", "order", "number", "created_at")
    #: Columns that its outcome changes.
    CHANGEABLE: ClassVar[tuple[str, ...]] = ("state", "code", "message", "confirm_url", "changed_at")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="payment_attempts", db_index=False
    )
    #: 1, and one more for each further attempt.
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=30, choices=State.choices, default=State.PROCESSING)
    #: The provider's decline code, as in ``insufficient_funds``.
    code = models.CharField(max_length=100, blank=True)
    #: The provider's words to the customer. Erased with the customer.
    message = models.TextField(blank=True)
    #: The provider's page on which the customer confirms; for the customer alone.
    confirm_url = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["number"]
        verbose_name = "attempt to pay"
        verbose_name_plural = "attempts to pay"
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="paymentattempt_once_per_number")
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.get_state_display().lower()}"

    @property
    def customer_id(self) -> int:
        """The customer, whose own it is."""
        return self.order.customer_id

    @property
    def is_open(self) -> bool:
        """True until the attempt has an outcome."""
        return self.state in self.OPEN
