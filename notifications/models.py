"""What notifications remembers: whom to write to, and every message written, once per order and kind."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models.functions import Upper

from shop.ids import uuid7


class Recipient(models.Model):
    """Whom to write to about an order; remembered from OrderCreated."""

    order_id = models.UUIDField(primary_key=True)
    #: The order's number as the customer knows it.
    number = models.CharField(max_length=30)
    name = models.TextField()
    email = models.CharField(max_length=254)

    class Meta:
        indexes = [
            models.Index(fields=["number"], name="recipient_by_number"),
            models.Index(Upper("email"), name="recipient_by_email"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"


class Kind(models.TextChoices):
    """What a message is about; a customer gets each at most once for an order."""

    ORDER_RECEIVED = "order_received"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_FAILED = "payment_failed"
    REFUNDED = "refunded"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLATION_REJECTED = "cancellation_rejected"
    CANCELLED = "cancelled"


class State(models.TextChoices):
    #: Not taken yet, and to be handed to the mail server again.
    QUEUED = "queued"
    #: The first of a batch, before anything of it is handed over; after a crash it is handed over again.
    SENDING = "sending"
    #: The mail server has taken it.
    SENT = "sent"
    #: The mail server refuses this address for good.
    FAILED = "failed"

    @classmethod
    def unsent(cls) -> "tuple[State, State]":
        """The states of a message that is still to be sent by itself."""
        return cls.QUEUED, cls.SENDING


#: Which state may follow which. After SENT and FAILED only an operator's resend does anything.
LEGAL: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.QUEUED, State.SENT, State.FAILED}),
    State.SENDING: frozenset({State.SENDING, State.QUEUED, State.SENT, State.FAILED}),
    State.SENT: frozenset({State.SENT}),
    State.FAILED: frozenset({State.SENT}),
}


#: What few customers are told of: the newest of them are far apart.
RARE_KINDS = [Kind.PAYMENT_FAILED, Kind.REFUNDED, Kind.CANCELLATION_REJECTED, Kind.CANCELLED]


class NotificationQuerySet(models.QuerySet["Notification"]):
    def move(self, to: State, **changes: Any) -> int:
        """Move those of the rows that legally may to state ``to``; say how many did."""
        sources = [state for state, targets in LEGAL.items() if to in targets]
        return self.filter(state__in=sources).update(state=to, **changes)


class Notification(models.Model):
    """One message to a customer: one row and one Message-ID per order and kind."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField()
    number = models.CharField("order number", max_length=30)
    kind = models.CharField(max_length=30, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    name = models.TextField("recipient's name")
    email = models.CharField("recipient's e-mail", max_length=254)
    subject = models.CharField(max_length=200)
    #: What the templates say besides number and name; plain strings, so that it reads the same for ever.
    context = models.JSONField(default=dict)
    #: Made of kind and order, and so as unique as they are together.
    message_id = models.CharField("Message-ID", max_length=200)
    #: How often it was handed to the mail server, resends included, as far as no crash hid it.
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order_id", "kind"], name="one_notification_per_order_and_kind")
        ]
        indexes = [
            models.Index(fields=["number"], name="notification_by_number"),
            models.Index(fields=["state"], condition=~models.Q(state="sent"), name="notification_not_sent"),
            models.Index(
                fields=["kind", "-id"],
                condition=models.Q(kind__in=RARE_KINDS),
                name="notification_by_rare_kind",
            ),
            models.Index(Upper("email"), name="notification_by_email"),
        ]
        permissions = [("resend_notification", "Can send a message again")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.number}"


class Resend(models.Model):
    """Who had a message sent again, when, to which address, and how it went."""

    class Outcome(models.TextChoices):
        #: The mail server has not answered (yet, or the process died meanwhile).
        REQUESTED = "requested"
        SENT = "sent"
        FAILED = "failed"

    notification = models.ForeignKey(Notification, on_delete=models.PROTECT, related_name="resends")
    #: 1, 2, 3 ... of the message; part of the Message-ID, lest the mailbox hides it as a duplicate.
    sequence = models.PositiveIntegerField()
    by = models.CharField(max_length=150)
    email = models.CharField(max_length=254)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.REQUESTED)
    error = models.TextField(blank=True)
    requested_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notification", "sequence"], name="resend_sequence_unique")
        ]

    def __str__(self) -> str:
        return f"resend {self.sequence} of {self.notification} by {self.by}"
