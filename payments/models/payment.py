"""Payment of an order: its states, its columns and its legal transitions."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from payments.errors import IllegalTransition, NotRetryable
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.stored_texts import translated

#: Beginning of all keys, followed by the order. The books of providers have it.
KEY_PREFIX = "capture:"
#: Failure code of a hold that ends soon and could not be renewed.
HOLD_ENDS = "authorisation_ends"
#: Longest time before the end of a hold at which it is renewed.
RENEWAL_MARGIN = timedelta(days=1)


def payment_key(order_id: Any, attempt: int = 1) -> str:
    """Return the idempotency key of an attempt to pay an order. The provider's books have it."""
    return f"{KEY_PREFIX}{order_id}" + (f":{attempt}" if attempt > 1 else "")


def renewed_until() -> datetime:
    """Return the time before which a hold has to end to be renewed now."""
    return timezone.now() + min(RENEWAL_MARGIN, settings.SHOP_AUTHORISATION_PERIOD / 2)


def order_of(key: str) -> UUID:
    """Return the order of an idempotency key."""
    return UUID(key.removeprefix(KEY_PREFIX).split(":")[0])


def attempt_of(key: str) -> int:
    """Return the number of the attempt that an idempotency key names."""
    _, _, number = key.removeprefix(KEY_PREFIX).partition(":")
    return int(number or 1)


class Payment(models.Model):
    """The payment of one order, from the intent to authorise it to its outcome, in Stripe's words."""

    class State(models.TextChoices):
        #: The gateway is being called, or has not answered yet.
        PROCESSING = "processing"
        #: The customer has to confirm at ``confirm_url``, as with 3-D Secure. Nothing is held.
        REQUIRES_ACTION = "requires_action"
        #: The amount is held for the shop, and not taken yet.
        REQUIRES_CAPTURE = "requires_capture"
        #: The amount is taken; ``amount_refunded`` counts the refunds.
        SUCCEEDED = "succeeded"
        #: The means of payment was declined, or holds nothing any more. Nothing was taken.
        DECLINED = "requires_payment_method", "Declined"
        #: Stopped before a capture. Late calls take nothing.
        CANCELED = "canceled"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.PROCESSING: frozenset(
            {
                State.REQUIRES_ACTION,
                State.REQUIRES_CAPTURE,
                State.SUCCEEDED,
                State.DECLINED,
                State.CANCELED,
            }
        ),
        State.REQUIRES_ACTION: frozenset(
            {State.PROCESSING, State.REQUIRES_CAPTURE, State.SUCCEEDED, State.DECLINED, State.CANCELED}
        ),
        State.DECLINED: frozenset({State.PROCESSING, State.CANCELED}),  # if the customer may try again
        State.REQUIRES_CAPTURE: frozenset({State.SUCCEEDED, State.DECLINED, State.CANCELED}),
    }
    #: States that a stop can still cancel.
    CANCELLABLE: ClassVar[tuple[str, ...]] = (
        State.PROCESSING,
        State.REQUIRES_ACTION,
        State.REQUIRES_CAPTURE,
    )

    #: Columns that are written with the payment and never change.
    SET_ONCE = ("id", "order_id", "order_number", "amount", "currency", "may_retry", "created_at")
    #: Columns of the outcome of an authorisation or a capture.
    OUTCOME = (
        "state",
        "reference",
        "failure_code",
        "failure_message",
        "amount_captured",
        "authorised_until",
        "confirm_url",
    )
    #: Columns that change; ``updated_at`` is the time of the last change.
    CHANGEABLE = (
        *OUTCOME,
        "stop_reason",
        "amount_refunded",
        "amount_refund_open",
        "idempotency_key",
        "attempt",
        "capture_attempt",
        "method",
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(unique=True)
    #: The order's number, such as ORD-1042; empty if the order was stopped before its OrderCreated came.
    order_number = models.CharField(max_length=32, blank=True, db_index=True)
    #: Key of the present attempt.
    idempotency_key = models.CharField(max_length=100)
    #: 1, and one more for each further authorisation.
    attempt = models.PositiveSmallIntegerField(default=1, db_default=1)
    #: 1, and one more for each capture that an operator retries.
    capture_attempt = models.PositiveSmallIntegerField(default=1, db_default=1)
    amount = AmountField()
    amount_captured = AmountField(default=Decimal(0), db_default=Decimal(0))
    amount_refunded = AmountField(default=Decimal(0))
    #: Sum of the refunds that have no outcome yet.
    amount_refund_open = AmountField(default=Decimal(0), db_default=Decimal(0))
    currency = models.CharField(max_length=3)
    #: After a decline the customer may pay by other means.
    may_retry = models.BooleanField(default=False, db_default=False)
    #: The provider's token of the means of payment, never card data.
    method = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=30, choices=State, default=State.PROCESSING)
    #: End of the hold.
    authorised_until = models.DateTimeField(null=True, blank=True)
    #: Reason of the stop; empty if no stop was requested.
    stop_reason = models.CharField(max_length=50, blank=True)
    #: The provider's id of the charge.
    reference = models.CharField(max_length=100, blank=True)
    #: The code of a decline; while the amount is held, that of a capture that failed.
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    #: The provider's page on which the customer confirms. Whoever knows it can: for the customer alone.
    confirm_url = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        permissions = [("retry_capture", "Can retry captures that failed")]
        indexes = [
            models.Index(fields=["-id"], condition=~Q(stop_reason=""), name="payment_stopped"),
            models.Index(
                fields=["state", "-id"], condition=~Q(state="succeeded"), name="payment_by_rare_state"
            ),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="payment_by_reference"),
            models.Index(
                fields=["updated_at"], condition=Q(state="requires_payment_method"), name="payment_declined"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount_captured")),
                name="payment_refunded_within_captured",
            ),
            models.CheckConstraint(
                condition=Q(amount_captured__gte=0, amount_captured__lte=F("amount")),
                name="payment_captured_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(amount_refund_open__gte=0)
                & (
                    Q(amount_refund_open__lte=F("amount_captured") - F("amount_refunded"))
                    | Q(state="requires_capture", amount_refund_open__lt=F("amount"))
                ),
                name="payment_refunds_within_captured",
            ),
        ]

    def __str__(self) -> str:
        order = self.order_number or self.order_id
        return gettext("{amount} for {order}").format(amount=self.money, order=order)

    @property
    def money(self) -> Money:
        """The amount of the order."""
        return Money.stored(self.amount, self.currency)

    @property
    def left(self) -> Decimal:
        """The amount that was taken and has not been given back."""
        left: Decimal = self.amount_captured - self.amount_refunded
        return left

    @property
    def refundable(self) -> Decimal:
        """The amount that has not been given back, and that no open refund is for.

        Of what is held: the amount that will be taken.
        """
        refundable: Decimal = (self.amount if self.is_held else self.left) - self.amount_refund_open
        return refundable

    @property
    def to_capture(self) -> Money:
        """The amount that is to be taken of what is held: parts that are refunded before are not."""
        return Money.stored(self.refundable, self.currency)

    @property
    def captured(self) -> Money:
        """The amount that was taken."""
        return Money.stored(self.amount_captured, self.currency)

    @property
    def is_free(self) -> bool:
        """True if there is nothing to charge."""
        return not self.amount

    @property
    def is_open(self) -> bool:
        """True while the outcome of the authorisation is unknown."""
        return self.state == self.State.PROCESSING

    @property
    def awaits_customer(self) -> bool:
        """True while the customer has to confirm."""
        return self.state == self.State.REQUIRES_ACTION

    @property
    def is_held(self) -> bool:
        """True if the amount is held and not taken."""
        return self.state == self.State.REQUIRES_CAPTURE

    @property
    def may_be_renewed(self) -> bool:
        """True if the hold ends so soon that another one may have been made under ``renewal_key``."""
        return self.is_held and self.authorised_until is not None and self.authorised_until < renewed_until()

    @property
    def renewal_key(self) -> str:
        """The idempotency key of the hold that would replace the present one."""
        return payment_key(self.order_id, self.attempt + 1)

    @property
    def is_captured(self) -> bool:
        """True if the amount is taken."""
        return self.state == self.State.SUCCEEDED

    @property
    def has_failed(self) -> bool:
        """True if the means of payment was declined."""
        return self.state == self.State.DECLINED

    @property
    def awaits_other_means(self) -> bool:
        """True if the means of payment was declined, and the customer may pay by other means."""
        return self.has_failed and self.may_retry and not self.stop_requested

    @property
    def is_cancellable(self) -> bool:
        """True if a stop can still cancel it."""
        return self.state in self.CANCELLABLE

    @property
    def is_capturable(self) -> bool:
        """True if the amount is held, and no capture of it has failed."""
        return self.is_held and self.failure_code in {"", HOLD_ENDS}

    @property
    def has_failed_before(self) -> bool:
        """True if a capture of what is held has failed, or could soon not be made any more."""
        return bool(self.failure_code) or self.capture_attempt > 1

    @property
    def capture_key(self) -> str:
        """The idempotency key of the present attempt to capture."""
        again = f":{self.capture_attempt}" if self.capture_attempt > 1 else ""
        return f"{self.idempotency_key}:capture{again}"

    @property
    def stop_requested(self) -> bool:
        """True if a stop of the order was requested."""
        return bool(self.stop_reason)

    @classmethod
    def tombstone(cls, order_id: UUID, *, reason: str) -> "Payment":
        """Make the voided payment of an order that was stopped before its OrderCreated came."""
        return cls(
            order_id=order_id,
            idempotency_key=payment_key(order_id),
            amount=Decimal(0),
            currency=settings.SHOP_CURRENCY,
            state=cls.State.CANCELED,
            stop_reason=reason,
        )

    # Transitions change the instance; the repository stores it.

    def await_customer(self, *, reference: str, confirm_url: str) -> None:
        """Record that the customer has to confirm."""
        self._become(self.State.REQUIRES_ACTION, reference=reference, confirm_url=confirm_url)

    def hold(self, *, reference: str, until: datetime) -> None:
        """Record that the amount is held."""
        self._become(self.State.REQUIRES_CAPTURE, reference=reference, authorised_until=until)

    def succeed(self, *, reference: str, captured: Decimal) -> None:
        """Record that the amount is taken, or as much of it as was still due."""
        self._become(
            self.State.SUCCEEDED,
            reference=reference,
            amount_captured=captured,
            authorised_until=None,
            failure_code="",
            failure_message="",
        )

    def fail(self, *, reference: str, code: str, message: str) -> None:
        """Record that the means of payment was declined, or holds nothing any more."""
        self._become(self.State.DECLINED, reference=reference, failure_code=code, failure_message=message)

    def begin_attempt(self, number: int, *, method: str) -> None:
        """Begin another attempt, by other means and under a key of its own."""
        self._become(
            self.State.PROCESSING,
            attempt=number,
            idempotency_key=payment_key(self.order_id, number),
            method=method,
            reference="",
            failure_code="",
            failure_message="",
        )

    def void(self) -> None:
        """Record that nothing was taken, and that nothing will be."""
        self._become(self.State.CANCELED)

    def refuse_capture(self, *, code: str, message: str) -> None:
        """Record that a capture failed, and that the amount is still held."""
        self.failure_code, self.failure_message = code, message

    def retry_capture(self) -> None:
        """Capture again, under a new key: the provider repeats its refusal under the old one."""
        if not self.is_held or not self.failure_code:
            text = gettext("this payment is {state}; only a capture that failed can be retried")
            raise NotRetryable(text.format(state=translated(self.state)))
        self.capture_attempt += 1
        self.failure_code = self.failure_message = ""

    def renew(self, *, reference: str, until: datetime) -> None:
        """Record that the amount is held by a further authorisation, in place of the former one."""
        self.attempt += 1
        self.idempotency_key = payment_key(self.order_id, self.attempt)
        self.reference, self.authorised_until = reference, until

    def request_stop(self, *, reason: str) -> None:
        """Request a stop of the order. The first reason stands."""
        self.stop_reason = self.stop_reason or reason

    def give_back(self, amount: Decimal) -> None:
        """Count ``amount`` as refunded."""
        self.amount_refunded += amount

    def _become(self, state: str, **facts: Any) -> None:
        is_final = self.has_failed and not self.may_retry
        if is_final or state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} payment cannot become {state}")
        self.confirm_url = ""
        for field, value in {"state": state, **facts}.items():
            setattr(self, field, value)
