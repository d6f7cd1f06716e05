"""Models of the simulated gateway: its own books, as if they were in another company's database."""

from decimal import Decimal
from functools import cache

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import models
from django.db.models import Q
from django.utils import timezone

from payments.disputes import DisputeStatus, ProviderDispute
from payments.gateway import Charge, ChargeStatus, GivenBack, ProviderRefund, RefundStatus
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.simulation.faults import Fault, FaultKind


@cache
def _signer() -> Signer:
    """Return the signer of addresses. At import there may be no secret key yet."""
    return Signer(salt="payments.simulator.bank")


def charge_reference() -> str:
    """Return a new id of a charge, like Stripe's of a PaymentIntent."""
    return f"pi_{uuid7().hex}"


def bank_page(reference: str) -> str:
    """Return the address of the simulated bank's page for a charge. It is signed: nobody can guess it."""
    return f"{settings.SHOP_URL}/simulator/bank/{_signer().sign(reference)}/"


def reference_in(signed: str) -> str | None:
    """Return the charge of a page of the bank; None if the address is made up."""
    try:
        return _signer().unsign(signed)
    except BadSignature:
        return None


def _refund_reference() -> str:
    return f"re_{uuid7().hex}"


class SimulatedCharge(models.Model):
    """Charge at the simulated gateway, like a PaymentIntent of Stripe."""

    class Status(models.TextChoices):
        #: Begun, but the gateway failed; nothing has been charged.
        PROCESSING = "processing"
        #: The customer has to confirm it at the bank.
        REQUIRES_ACTION = ChargeStatus.REQUIRES_ACTION.value
        #: Held, and not captured.
        REQUIRES_CAPTURE = ChargeStatus.REQUIRES_CAPTURE.value
        SUCCEEDED = ChargeStatus.SUCCEEDED.value
        DECLINED = ChargeStatus.DECLINED.value
        CANCELED = ChargeStatus.CANCELED.value

    reference = models.CharField(primary_key=True, max_length=40, default=charge_reference)
    key = models.CharField(max_length=255, unique=True)
    amount = AmountField(default=Decimal(0))
    currency = models.CharField(max_length=3, blank=True)
    token = models.TextField(blank=True)
    #: Order that the merchant gave as the reference.
    order_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=30, choices=Status, default=Status.PROCESSING)
    code = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)
    #: Number of calls that tried to charge.
    attempts = models.PositiveIntegerField(default=0)
    captured = AmountField(default=Decimal(0), db_default=Decimal(0))
    #: Key of the capture that its means of payment refused.
    refused_capture = models.CharField(max_length=255, blank=True, default="", db_default="")
    #: Status and amount of the customer's dispute; empty and zero without one.
    dispute_status = models.CharField(max_length=15, blank=True, default="", db_default="")
    disputed = AmountField(default=Decimal(0), db_default=Decimal(0))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "charge at the simulated gateway"
        verbose_name_plural = "charges at the simulated gateway"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="simulated_charge_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.currency} {self.status}"

    def as_charge(self) -> Charge:
        """Return the charge as an answer of the port."""
        must_confirm = self.status == self.Status.REQUIRES_ACTION
        return Charge(
            self.reference,
            ChargeStatus(self.status),
            self.code,
            self.message,
            self.captured,
            bank_page(self.reference) if must_confirm else "",
        )

    def as_dispute(self) -> ProviderDispute:
        """Return its dispute as an answer of the port."""
        amount, status = Money.stored(self.disputed, self.currency), DisputeStatus(self.dispute_status)
        return ProviderDispute(f"dp_{self.reference}", amount, "fraudulent", status, None, "")


class SimulatedRefund(models.Model):
    """Refund at the simulated gateway."""

    class Status(models.TextChoices):
        PENDING = RefundStatus.PENDING.value
        SUCCEEDED = RefundStatus.SUCCEEDED.value
        FAILED = RefundStatus.FAILED.value

    reference = models.CharField(primary_key=True, max_length=40, default=_refund_reference)
    key = models.CharField(max_length=255, unique=True)
    charge = models.ForeignKey(SimulatedCharge, on_delete=models.PROTECT, related_name="refunds")
    amount = AmountField()
    status = models.CharField(max_length=10, choices=Status)
    code = models.CharField(max_length=100, blank=True)
    #: Number of look-ups while it is pending. The second one completes it.
    looks = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "refund at the simulated gateway"
        verbose_name_plural = "refunds at the simulated gateway"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="simulated_refund_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.status}"

    def as_refund(self) -> ProviderRefund:
        """Return the refund as an answer of the port."""
        return ProviderRefund(self.reference, RefundStatus(self.status), self.code)

    def as_given_back(self) -> GivenBack:
        """Return the refund as an entry of the port's list."""
        amount = Money.stored(self.amount, self.charge.currency)
        return GivenBack(self.reference, amount, RefundStatus(self.status), self.key)


class GatewayFault(Fault):
    """Fault of the simulated gateway, seen by all processes. Deleting the row ends it."""

    #: Refuses new refunds, for good: the same key gets the same answer later.
    REFUSAL = "refusal"

    class Operation(models.TextChoices):
        AUTHORISE = "authorise"
        CAPTURE = "capture"
        FIND = "find"
        CANCEL = "cancel"
        REFUND = "refund"
        FIND_REFUND = "find_refund"
        FIND_REFUNDS = "find_refunds"

    kind = models.CharField(max_length=10, choices=[*FaultKind.choices, (REFUSAL, "Refusal")])
    #: Operation that has the fault; empty for all.
    operation = models.CharField(max_length=20, choices=Operation, blank=True)

    class Meta:
        verbose_name = "fault of the simulated gateway"
        verbose_name_plural = "faults of the simulated gateway"
