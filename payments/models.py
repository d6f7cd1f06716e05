"""Models of payments: one payment per order, its refunds, and their legal transitions.

The simulated gateway's tables are imported only to register them; nothing here refers to them.
"""

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from payments.errors import IllegalTransition, NotGivenBack, NotRetryable
from payments.gateway import GivenBack
from payments.simulator.books import GatewayFault, SimulatedCharge, SimulatedRefund
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.visible import is_visible

__all__ = ["GatewayFault", "Payment", "Refund", "SimulatedCharge", "SimulatedRefund"]


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
    CHANGEABLE = (*OUTCOME, "stop_reason", "amount_refunded")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(unique=True)
    #: The order's number, such as ORD-1042; empty if the order was stopped before its OrderCreated came.
    order_number = models.CharField(max_length=32, blank=True, db_index=True)
    #: Derived from the order's id, and as unique.
    idempotency_key = models.CharField(max_length=100)
    amount = AmountField()
    amount_refunded = AmountField(default=Decimal(0))
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


class Refund(models.Model):
    """A refund of a payment: of all that is left of it, or of a part that the provider gave back by itself.

    A payment has at most one that the shop requested and that has not failed.
    """

    class Channel(models.TextChoices):
        #: Requested from the provider by the shop.
        SHOP = "shop"
        #: Made at the provider without the shop, and learnt from its books.
        PROVIDER = "provider"
        #: Given back by an operator without the provider, as in cash or by a transfer.
        OTHERWISE = "otherwise"

    class State(models.TextChoices):
        #: The provider has not answered yet.
        REQUESTED = "requested"
        #: The provider accepted it; the customer does not have the money yet.
        PENDING = "pending"
        #: The customer has the money.
        SUCCEEDED = "succeeded"
        #: The provider refused; an operator may retry.
        FAILED = "failed"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.REQUESTED: frozenset({State.PENDING, State.SUCCEEDED, State.FAILED}),
        State.PENDING: frozenset({State.PENDING, State.SUCCEEDED, State.FAILED}),
        State.FAILED: frozenset({State.REQUESTED, State.SUCCEEDED}),
    }

    #: Columns that are written with the refund and never change.
    SET_ONCE = ("id", "payment", "reason", "currency", "created_at")
    #: Columns that change; ``updated_at`` is the time of the last change.
    CHANGEABLE = (
        "state",
        "attempt",
        "idempotency_key",
        "reference",
        "failure_code",
        "amount",
        "channel",
        "note",
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    reason = models.CharField(max_length=50)
    #: 1, and one more for each retry by an operator.
    attempt = models.PositiveSmallIntegerField(default=1)
    #: Key of the current attempt.
    idempotency_key = models.CharField(max_length=150, unique=True)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    reference = models.CharField(max_length=100, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    channel = models.CharField(
        max_length=10, choices=Channel, default=Channel.SHOP, db_default=Channel.SHOP.value
    )
    #: The operator's reason if it was given back otherwise.
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        permissions = [
            ("retry_refund", "Can retry failed refunds"),
            ("give_back_otherwise", "Can record failed refunds as given back otherwise"),
        ]
        indexes = [
            models.Index(fields=["reference"], name="refund_by_reference"),
            models.Index(fields=["state", "-id"], name="refund_by_state"),
            models.Index(fields=["payment"], name="refund_by_payment"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "reason"], condition=~Q(channel="provider"), name="refund_once_per_reason"
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=~Q(state="failed") & ~Q(channel="provider"),
                name="refund_one_live_per_payment",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.money} back, {self.reason}"

    @classmethod
    def of(cls, payment: Payment, *, reason: str) -> "Refund":
        """Make the refund of all that is left of a payment."""
        return cls(
            payment=payment,
            reason=reason,
            idempotency_key=f"refund:{payment.id}:{reason}",
            amount=payment.left,
            currency=payment.currency,
        )

    @classmethod
    def learnt(cls, payment: Payment, given: GivenBack) -> "Refund":
        """Make the record of what the provider gave back without the shop."""
        return cls(
            payment=payment,
            reason="provider",
            idempotency_key=f"provider:{given.reference}",
            amount=given.amount.amount,
            currency=payment.currency,
            state=cls.State.SUCCEEDED,
            reference=given.reference,
            channel=cls.Channel.PROVIDER,
        )

    @property
    def money(self) -> Money:
        """The amount of the refund."""
        return Money.stored(self.amount, self.currency)

    @property
    def is_open(self) -> bool:
        """True while the outcome of the refund is unknown."""
        return self.state in {self.State.REQUESTED, self.State.PENDING}

    def become(self, state: str, *, reference: str, failure_code: str = "") -> None:
        """Record the provider's answer."""
        self._check(state)
        self.state, self.reference, self.failure_code = state, reference, failure_code

    def retry(self) -> None:
        """Request the refund again, under a new key: the provider repeats its refusal under the old one."""
        if self.state != self.State.FAILED:
            raise NotRetryable(f"this refund is {self.state}; only a failed one can be retried")
        self._check(self.State.REQUESTED)
        self._use_new_key()
        self.state, self.failure_code = self.State.REQUESTED, ""

    def reduce(self, by: Decimal) -> None:
        """Take off what was given back already; one that is open needs a new key for the new amount."""
        self.amount -= by
        if self.is_open:
            self._use_new_key()
            self.state = self.State.REQUESTED

    def give_otherwise(self, note: str) -> None:
        """Record that an operator gave it back without the provider."""
        if self.state != self.State.FAILED:
            raise NotGivenBack(f"this refund is {self.state}; only a failed one can be given back otherwise")
        if not is_visible(note):
            raise NotGivenBack("say how it was given back: the reason is kept for ever")
        self.become(self.State.SUCCEEDED, reference="")
        self.channel, self.note = self.Channel.OTHERWISE, note.strip()

    def _use_new_key(self) -> None:
        self.attempt += 1
        self.idempotency_key = f"refund:{self.payment_id}:{self.reason}:{self.attempt}"

    def _check(self, state: str) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} refund cannot become {state}")
