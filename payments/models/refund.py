"""Refund of a payment: its states, its columns and its legal transitions."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from payments.errors import IllegalTransition, NotGivenBack, NotRetryable
from payments.gateway import GivenBack
from payments.models.payment import Payment
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.stored_texts import translated
from shop.visible import is_visible


class Refund(models.Model):
    """A refund of a payment.

    Of all that is left of it, upon what befell its order: a payment has at most one such that has not failed.
    Of a part that staff requested, or that the provider gave back by itself: of these there may be several.
    """

    #: Reason of refunds that staff requested of orders.
    REQUESTED_PART = "requested"

    class Channel(models.TextChoices):
        #: Requested from the provider by the shop.
        SHOP = "shop"
        #: Made at the provider without the shop, and learnt from its books.
        PROVIDER = "provider"
        #: Given back by an operator without the provider, as in cash or by a transfer.
        OTHERWISE = "otherwise"
        #: Taken off what was held, so that it was never taken.
        HOLD = "hold"

    class State(models.TextChoices):
        #: The provider has not answered yet.
        REQUESTED = "requested"
        #: The provider accepted it; the customer does not have the money yet.
        PENDING = "pending"
        #: The customer has the money.
        SUCCEEDED = "succeeded"
        #: The provider refused; an operator may retry.
        FAILED = "failed"

    #: States without an outcome.
    OPEN = (State.REQUESTED, State.PENDING)

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
                fields=["payment", "reason"],
                condition=~Q(channel="provider") & ~Q(reason="requested"),
                name="refund_once_per_reason",
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=~Q(state="failed") & ~Q(channel="provider") & ~Q(reason="requested"),
                name="refund_one_live_per_payment",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_not_negative"),
        ]

    def __str__(self) -> str:
        return gettext("{amount} back, {reason}").format(amount=self.money, reason=translated(self.reason))

    @classmethod
    def of(cls, payment: Payment, *, reason: str) -> "Refund":
        """Make the refund of all of a payment that is neither given back nor being given back."""
        return cls(
            payment=payment,
            reason=reason,
            idempotency_key=f"refund:{payment.id}:{reason}",
            amount=payment.refundable,
            currency=payment.currency,
        )

    @classmethod
    def part(cls, payment: Payment, *, refund_id: UUID, amount: Decimal) -> "Refund":
        """Make the refund of a part that staff requested, under the id of the request."""
        return cls(
            id=refund_id,
            payment=payment,
            reason=cls.REQUESTED_PART,
            idempotency_key=f"refund:{payment.id}:{refund_id}",
            amount=amount,
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
    def is_part(self) -> bool:
        """True if staff requested it; False if it is of all that was left, or the provider's own."""
        return self.reason == self.REQUESTED_PART

    @property
    def is_moot(self) -> bool:
        """True for a failed part that is no longer owed: less is left, as after a dispute that was lost."""
        return self.state == self.State.FAILED and self.is_part and self.amount > self.payment.refundable

    @property
    def is_open(self) -> bool:
        """True while the outcome of the refund is unknown."""
        return self.state in self.OPEN

    def become(self, state: str, *, reference: str, failure_code: str = "") -> None:
        """Record the provider's answer."""
        self._check(state)
        self.state, self.reference, self.failure_code = state, reference, failure_code

    def retry(self) -> None:
        """Request the refund again, under a new key: the provider repeats its refusal under the old one.

        One of all that was left is of what is left now.
        """
        if self.state != self.State.FAILED:
            text = gettext("this refund is {state}; only a failed one can be retried")
            raise NotRetryable(text.format(state=translated(self.state)))
        if not self.is_part:
            self.amount = self.payment.refundable
        if self.amount > self.payment.refundable:
            raise NotRetryable(self._too_much())
        self._check(self.State.REQUESTED)
        self._use_new_key()
        self.state, self.failure_code = self.State.REQUESTED, ""

    def reduce(self, by: Decimal) -> None:
        """Take off what was given back already; one that is open needs a new key for the new amount."""
        self.amount -= by
        if self.is_open:
            self._use_new_key()
            self.state = self.State.REQUESTED

    def take_off_hold(self) -> None:
        """Record that it is not taken of what is held."""
        self.become(self.State.SUCCEEDED, reference="")
        self.channel = self.Channel.HOLD

    def give_otherwise(self, note: str) -> None:
        """Record that an operator gave it back without the provider."""
        if self.state != self.State.FAILED:
            text = gettext("this refund is {state}; only a failed one can be given back otherwise")
            raise NotGivenBack(text.format(state=translated(self.state)))
        if not is_visible(note):
            raise NotGivenBack(gettext("say how it was given back: the reason is kept for ever"))
        if self.amount > self.payment.refundable:
            raise NotGivenBack(self._too_much())
        self.become(self.State.SUCCEEDED, reference="")
        self.channel, self.note = self.Channel.OTHERWISE, note.strip()

    def _use_new_key(self) -> None:
        self.attempt += 1
        what = self.id if self.is_part else self.reason
        self.idempotency_key = f"refund:{self.payment_id}:{what}:{self.attempt}"

    def _too_much(self) -> str:
        amount = Money.stored(self.payment.refundable, self.currency)
        return gettext("only {amount} of the payment can still be given back").format(amount=amount)

    def _check(self, state: str) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} refund cannot become {state}")
