"""What payments remembers: one payment an order, and what was given back of it.

The simulated provider's own books live in payments.simulator; nothing here refers to them.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from payments.errors import IllegalTransition, NotRetryable
from payments.simulator.books import GatewayFault, SimulatedCharge, SimulatedRefund
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.postgres.statements import update_where

__all__ = ["GatewayFault", "Payment", "Refund", "SimulatedCharge", "SimulatedRefund"]


def capture_key(order_id: Any) -> str:
    """Return the idempotency key under which an order is charged, the same for every attempt."""
    return f"capture:{order_id}"


class Payment(models.Model):
    """The payment of one order, from the first question to the gateway to its end."""

    class State(models.TextChoices):
        #: The gateway is being asked, or has not answered yet.
        PROCESSING = "processing"
        #: The customer has been charged; see ``amount_refunded`` for what came back.
        SUCCEEDED = "succeeded"
        #: The gateway declined; nothing was charged.
        FAILED = "failed"
        #: Stopped before anything was charged; nothing will be, whatever comes late.
        VOIDED = "voided"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.PROCESSING: frozenset({State.SUCCEEDED, State.FAILED, State.VOIDED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(unique=True)
    #: As the customer knows the order; empty if it was stopped before payments heard of it.
    order_number = models.CharField(max_length=32, blank=True, db_index=True)
    #: Made of the order's id, and so as unique.
    idempotency_key = models.CharField(max_length=100)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    amount_refunded = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    currency = models.CharField(max_length=3)
    #: The provider's token of the means of payment, never card data.
    method = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PROCESSING)
    #: Why the order was stopped; empty while nobody wants it stopped.
    stop_reason = models.CharField(max_length=50, blank=True)
    #: The provider's id of the charge.
    reference = models.CharField(max_length=100, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["-id"], condition=~Q(stop_reason=""), name="payment_stopped"),
            models.Index(
                fields=["state", "-id"], condition=~Q(state="succeeded"), name="payment_by_rare_state"
            ),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="payment_by_reference"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount")),
                name="payment_refunded_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} for {self.order_number or self.order_id}"

    @property
    def money(self) -> Money:
        """The amount to charge or charged."""
        return Money(amount=self.amount, currency=self.currency)

    @property
    def stop_requested(self) -> bool:
        """Somebody wants the order stopped."""
        return bool(self.stop_reason)

    @classmethod
    def store_outcomes(cls, payments: Sequence[Self]) -> list[Self]:
        """Write down, in one statement, how these payments ended, unless somebody else has.

        Returns those that were written, knowing whether they were stopped meanwhile.
        """
        return update_where(
            payments,
            ["state", "reference", "failure_code", "failure_message", "updated_at"],
            where={"state": cls.State.PROCESSING},
            lock_by="order_id",
            refresh=["stop_reason"],
        )

    # The next three change the payment in hand; store_outcomes() writes it down.

    def succeed(self, *, reference: str) -> None:
        """The customer has been charged."""
        self._become(self.State.SUCCEEDED, reference=reference)

    def fail(self, *, reference: str, code: str, message: str) -> None:
        """The gateway declined."""
        self._become(self.State.FAILED, reference=reference, failure_code=code, failure_message=message)

    def void(self) -> None:
        """Nothing was charged, and nothing will be."""
        self._become(self.State.VOIDED)

    def request_stop(self, *, reason: str) -> None:
        """Remember that the order is to be stopped; the first reason stands."""
        self.stop_reason = self.stop_reason or reason
        self.save(update_fields=["stop_reason", "updated_at"])

    def give_back(self, amount: Decimal) -> None:
        """Count ``amount`` as refunded."""
        self.amount_refunded += amount
        self.save(update_fields=["amount_refunded", "updated_at"])

    def _become(self, state: str, **facts: str) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} payment cannot become {state}")
        for field, value in {"state": state, **facts}.items():
            setattr(self, field, value)


class Refund(models.Model):
    """Money on its way back to the customer. A payment is given back as a whole, and once."""

    class State(models.TextChoices):
        #: We want it; the provider has not answered yet.
        REQUESTED = "requested"
        #: The provider accepted it; the money is not there yet.
        PENDING = "pending"
        #: The customer has the money.
        SUCCEEDED = "succeeded"
        #: The provider refused; an operator may retry.
        FAILED = "failed"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.REQUESTED: frozenset({State.PENDING, State.SUCCEEDED, State.FAILED}),
        State.PENDING: frozenset({State.PENDING, State.SUCCEEDED, State.FAILED}),
        State.FAILED: frozenset({State.REQUESTED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    reason = models.CharField(max_length=50)
    #: 1, and one more for each retry by an operator.
    attempt = models.PositiveSmallIntegerField(default=1)
    #: Of the current attempt.
    idempotency_key = models.CharField(max_length=150, unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    reference = models.CharField(max_length=100, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["reference"], name="refund_by_reference"),
            models.Index(fields=["state", "-id"], name="refund_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["payment", "reason"], name="refund_once_per_reason"),
            models.UniqueConstraint(
                fields=["payment"], condition=~Q(state="failed"), name="refund_one_live_per_payment"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.money} back, {self.reason}"

    @classmethod
    def of(cls, payment: Payment, *, reason: str) -> "Refund":
        """Make the refund of a whole payment."""
        key = f"refund:{payment.id}:{reason}"
        return cls.objects.create(
            payment=payment,
            reason=reason,
            idempotency_key=key,
            amount=payment.amount,
            currency=payment.currency,
        )

    @property
    def money(self) -> Money:
        """The amount to give back."""
        return Money(amount=self.amount, currency=self.currency)

    @property
    def is_open(self) -> bool:
        """The provider has not given its last word."""
        return self.state in {self.State.REQUESTED, self.State.PENDING}

    def become(self, state: str, *, reference: str, failure_code: str = "") -> None:
        """Take over the provider's answer."""
        self._check(state)
        self.state, self.reference, self.failure_code = state, reference, failure_code
        self.save(update_fields=["state", "reference", "failure_code", "updated_at"])

    def retry(self) -> None:
        """Ask again under a new key: the provider answers the old one with the old refusal for ever."""
        if self.state != self.State.FAILED:
            raise NotRetryable(f"this refund is {self.state}; only a failed one can be retried")
        self._check(self.State.REQUESTED)
        self.attempt += 1
        self.idempotency_key = f"refund:{self.payment_id}:{self.reason}:{self.attempt}"
        self.state, self.failure_code = self.State.REQUESTED, ""
        self.save(update_fields=["attempt", "idempotency_key", "state", "failure_code", "updated_at"])

    def _check(self, state: str) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} refund cannot become {state}")
