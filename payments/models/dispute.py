"""Disputes of payments."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from payments.disputes import CLOSED, DisputeStatus, ProviderDispute
from payments.models.payment import Payment
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import Money


class Dispute(models.Model):
    """A customer's complaint to the bank about a payment, which takes the money back or asks for reasons."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    #: The provider's id.
    reference = models.CharField(max_length=100, unique=True)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    #: The provider's word, as in ``fraudulent``.
    reason = models.CharField(max_length=100)
    status = models.CharField(
        max_length=15, choices=[(status.value, status.value.replace("_", " ")) for status in DisputeStatus]
    )
    #: Time until which evidence counts at the provider.
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    #: Page of the dispute at the provider.
    url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["evidence_due_at"],
                condition=~Q(status__in=["won", "lost"]),
                name="dispute_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.money} disputed, {self.reason}"

    @property
    def money(self) -> Money:
        """The disputed amount."""
        return Money.stored(self.amount, self.currency)

    @property
    def is_closed(self) -> bool:
        """True if the dispute has ended."""
        return self.status in CLOSED

    def take(self, known: ProviderDispute) -> None:
        """Take over what the provider knows. A dispute that has ended stays as it ended."""
        if not self.is_closed:
            self.amount, self.currency = known.amount.amount, known.amount.currency
            self.reason, self.status, self.url = known.reason, known.status.value, known.url
            self.evidence_due_at = known.evidence_due_at
