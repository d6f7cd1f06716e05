"""Payment of an order: its states, its columns and its legal transitions."""

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from payments.errors import IllegalTransition
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money


def capture_key(order_id: Any) -> str:
    """Return the idempotency key of an order's charge, the same for every attempt."""
    return f"capture:{order_id}"


class Payment(models.Model):
    """The payment of one order, from the intent to charge to its outcome."""

    class State(models.TextChoices):
        #: The gateway is being called, or has not answered yet.
        PROCESSING = "processing"
        #: The customer has been charged; ``amount_refunded`` counts the refunds.
        SUCCEEDED = "succeeded"
        #: The gateway declined; nothing was charged.
        FAILED = "failed"
        #: Stopped before a charge. Late calls charge nothing.
        VOIDED = "voided"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.PROCESSING: frozenset({State.SUCCEEDED, State.FAILED, State.VOIDED}),
    }

    #: Columns that are written with the payment and never change.
    SET_ONCE = (
        "id",
        "order_id",
        "order_number",
        "idempotency_key",
        "amount",
        "currency",
        "method",
        "created_at",
    )
    #: Columns of the outcome of the charge.
    OUTCOME = ("state", "reference", "failure_code", "failure_message")
    #: Columns that change; ``updated_at`` is the time of the last change.
    CHANGEABLE = (*OUTCOME, "stop_reason", "amount_refunded", "amount_refund_open")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(unique=True)
    #: The order's number, such as ORD-1042; empty if the order was stopped before its OrderCreated came.
    order_number = models.CharField(max_length=32, blank=True, db_index=True)
    #: Derived from the order's id, and as unique.
    idempotency_key = models.CharField(max_length=100)
    amount = AmountField()
    amount_refunded = AmountField(default=Decimal(0))
    #: Sum of the refunds that have no outcome yet.
    amount_refund_open = AmountField(default=Decimal(0), db_default=Decimal(0))
    currency = models.CharField(max_length=3)
    #: The provider's token of the means of payment, never card data.
    method = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PROCESSING)
    #: Reason of the stop; empty if no stop was requested.
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
            models.CheckConstraint(
                condition=Q(
                    amount_refund_open__gte=0,
                    amount_refund_open__lte=F("amount") - F("amount_refunded"),
                ),
                name="payment_refunds_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} for {self.order_number or self.order_id}"

    @property
    def money(self) -> Money:
        """The amount of the charge."""
        return Money.stored(self.amount, self.currency)

    @property
    def left(self) -> Decimal:
        """The amount that has not been given back."""
        left: Decimal = self.amount - self.amount_refunded
        return left

    @property
    def refundable(self) -> Decimal:
        """The amount that has not been given back, and that no open refund is for."""
        refundable: Decimal = self.left - self.amount_refund_open
        return refundable

    @property
    def is_free(self) -> bool:
        """True if there is nothing to charge."""
        return not self.amount

    @property
    def is_open(self) -> bool:
        """True while the outcome of the charge is unknown."""
        return self.state == self.State.PROCESSING

    @property
    def has_failed(self) -> bool:
        """True if the gateway declined."""
        return self.state == self.State.FAILED

    @property
    def stop_requested(self) -> bool:
        """True if a stop of the order was requested."""
        return bool(self.stop_reason)

    @classmethod
    def tombstone(cls, order_id: UUID, *, reason: str) -> "Payment":
        """Make the voided payment of an order that was stopped before its OrderCreated came."""
        return cls(
            order_id=order_id,
            idempotency_key=capture_key(order_id),
            amount=Decimal(0),
            currency=settings.SHOP_CURRENCY,
            state=cls.State.VOIDED,
            stop_reason=reason,
        )

    # Transitions change the instance; the repository stores it.

    def succeed(self, *, reference: str) -> None:
        """Record that the customer has been charged."""
        self._become(self.State.SUCCEEDED, reference=reference)

    def fail(self, *, reference: str, code: str, message: str) -> None:
        """Record that the gateway declined."""
        self._become(self.State.FAILED, reference=reference, failure_code=code, failure_message=message)

    def void(self) -> None:
        """Record that nothing was charged, and that nothing will be."""
        self._become(self.State.VOIDED)

    def request_stop(self, *, reason: str) -> None:
        """Request a stop of the order. The first reason stands."""
        self.stop_reason = self.stop_reason or reason

    def give_back(self, amount: Decimal) -> None:
        """Count ``amount`` as refunded."""
        self.amount_refunded += amount

    def _become(self, state: str, **facts: str) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} payment cannot become {state}")
        for field, value in {"state": state, **facts}.items():
            setattr(self, field, value)
