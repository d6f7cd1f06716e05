"""Former attempts to pay an order. The present one is the payment itself."""

from django.db import models
from django.utils import timezone

from payments.models.payment import Payment


class Attempt(models.Model):
    """An attempt to pay that another one has replaced.

    It is open until the provider has said that nothing can be held under its key any more, and before that no
    other one is made.
    """

    class State(models.TextChoices):
        #: The customer had not confirmed; it is to be cancelled.
        REQUIRES_ACTION = "requires_action"
        #: Held or taken after all, before it could be cancelled: this attempt counts.
        SUCCEEDED = "succeeded"
        DECLINED = "requires_payment_method", "Declined"
        CANCELED = "canceled"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="attempts", db_index=False)
    #: 1, and one more for each further attempt.
    number = models.PositiveSmallIntegerField()
    idempotency_key = models.CharField(max_length=100)
    state = models.CharField(max_length=30, choices=State)
    #: The provider's token of the means of payment, never card data.
    method = models.CharField(max_length=255, blank=True)
    reference = models.CharField(max_length=100, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    #: The time at which another attempt replaced it.
    replaced_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["payment", "number"], name="attempt_once_per_number")]

    def __str__(self) -> str:
        return f"attempt {self.number}, {self.get_state_display().lower()}"

    @property
    def is_open(self) -> bool:
        """True while the customer could still confirm it."""
        return self.state == self.State.REQUIRES_ACTION

    @classmethod
    def of(cls, payment: Payment) -> "Attempt":
        """Make the record of a payment's present attempt, which is to be replaced."""
        return cls(
            payment=payment,
            number=payment.attempt,
            idempotency_key=payment.idempotency_key,
            state=payment.state,
            method=payment.method,
            reference=payment.reference,
            failure_code=payment.failure_code,
            failure_message=payment.failure_message,
        )
