"""Models of notifications: recipients, one message per order, kind and topic, and resends."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext

from shop.ids import uuid7


class Recipient(models.Model):
    """Recipient of the messages about an order; known from OrderCreated."""

    order_id = models.UUIDField(primary_key=True)
    #: The order's number, such as ORD-1042.
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


#: Topic of a message about its order as a whole.
WHOLE_ORDER = UUID(int=0)


class Kind(models.TextChoices):
    """Kind of a message. A customer gets each at most once for an order, or for a part of it."""

    ORDER_RECEIVED = "order_received"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_ACTION_REQUIRED = "payment_action_required"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_FAILED = "payment_failed"
    AWAITING_STOCK = "awaiting_stock"
    REFUNDED = "refunded"
    SHIPPED = "shipped"
    SHIPPED_AGAIN = "shipped_again"
    DELIVERED = "delivered"
    CANCELLATION_REJECTED = "cancellation_rejected"
    CANCELLED = "cancelled"
    RETURN_REQUESTED = "return_requested"
    RETURN_APPROVED = "return_approved"
    RETURN_REJECTED = "return_rejected"
    RETURN_RECEIVED = "return_received"
    RETURN_CANCELLED = "return_cancelled"
    RETURN_EXPIRED = "return_expired"


class State(models.TextChoices):
    """State of a message."""

    #: Not accepted yet; it is sent again.
    QUEUED = "queued"
    #: First message of a batch that is being sent; after a crash it is sent again.
    SENDING = "sending"
    #: The customer has not confirmed the e-mail address; it is sent when that is done.
    WITHHELD = "withheld"
    #: The mail server has accepted it.
    SENT = "sent"
    #: The mail server refuses the address permanently.
    FAILED = "failed"

    @classmethod
    def unsent(cls) -> "tuple[State, State, State]":
        """Return the states of a message that is still to be sent."""
        return cls.QUEUED, cls.SENDING, cls.WITHHELD


class Report(models.TextChoices):
    """Report of the provider about a message that it had accepted; empty: none yet."""

    DELIVERED = "delivered"
    #: The provider could not send it.
    FAILED = "failed"
    #: The recipient's mail server, or the provider for it, refuses it.
    BOUNCED = "bounced"
    #: The recipient has marked it as spam.
    COMPLAINED = "complained"

    @classmethod
    def before(cls, report: "Report") -> list[str]:
        """Return the reports that give way to one, whichever comes first."""
        ranks = ["", *cls.values]
        return ranks[: ranks.index(report)]


#: Reports that somebody has to look at.
TROUBLE = [Report.FAILED, Report.BOUNCED, Report.COMPLAINED]


#: State -> legal next states. Only an operator's resend changes a message after SENT and FAILED.
LEGAL: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.QUEUED, State.WITHHELD, State.SENT, State.FAILED}),
    State.SENDING: frozenset({State.SENDING, State.QUEUED, State.WITHHELD, State.SENT, State.FAILED}),
    State.WITHHELD: frozenset({State.SENDING, State.QUEUED, State.WITHHELD, State.SENT, State.FAILED}),
    State.SENT: frozenset({State.SENT}),
    State.FAILED: frozenset({State.SENT}),
}


#: Kinds of few messages. Without an index, lists of them would scan most of the table.
RARE_KINDS = [
    Kind.PAYMENT_ACTION_REQUIRED,
    Kind.PAYMENT_DECLINED,
    Kind.PAYMENT_FAILED,
    Kind.AWAITING_STOCK,
    Kind.REFUNDED,
    Kind.SHIPPED_AGAIN,
    Kind.CANCELLATION_REJECTED,
    Kind.CANCELLED,
    Kind.RETURN_REQUESTED,
    Kind.RETURN_APPROVED,
    Kind.RETURN_REJECTED,
    Kind.RETURN_RECEIVED,
    Kind.RETURN_CANCELLED,
    Kind.RETURN_EXPIRED,
]


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Query set with legal transitions."""

    def move(self, to: State, **changes: Any) -> int:
        """Change the state to ``to`` where that is legal; return the number of changed rows."""
        sources = [state for state, targets in LEGAL.items() if to in targets]
        return self.filter(state__in=sources).update(state=to, **changes)


class Notification(models.Model):
    """A message to a customer: one row and one Message-ID per order, kind and topic."""

    #: Columns that are written with the message and never change.
    SET_ONCE = (
        "id",
        "order_id",
        "number",
        "kind",
        "about",
        "name",
        "subject",
        "context",
        "message_id",
        "created_at",
    )
    #: Columns that attempts to send the message change.
    DELIVERY = ("state", "attempts", "last_error", "sent_at")
    #: Columns that the provider's reports change, and a resend empties.
    REPORTED = ("report", "reported_at", "report_detail")
    #: Columns that change. A resend may have a new address.
    CHANGEABLE = (*DELIVERY, *REPORTED, "email")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField()
    number = models.CharField("order number", max_length=30)
    kind = models.CharField(max_length=30, choices=Kind)
    #: Part of the order that it is about, such as a return.
    about = models.UUIDField(default=WHOLE_ORDER, db_default=WHOLE_ORDER, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    name = models.TextField("recipient's name")
    email = models.CharField("recipient's e-mail", max_length=254)
    subject = models.CharField(max_length=200)
    #: Values for the templates besides number and name; formatted, so that a resend reads the same.
    context = models.JSONField(default=dict)
    #: Derived from kind, order and topic, and as unique.
    message_id = models.CharField("Message-ID", max_length=200)
    #: Number of attempts to send it, resends included. A crash may leave an attempt uncounted.
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: The provider's word on the latest copy.
    report = models.CharField(max_length=10, choices=Report, blank=True, default="", db_default="")
    reported_at = models.DateTimeField(null=True, blank=True)
    #: What the recipient's mail server said. It may name the address.
    report_detail = models.TextField(blank=True, default="", db_default="")

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order_id", "kind", "about"], name="one_notification_per_order_kind_topic"
            )
        ]
        indexes = [
            models.Index(fields=["number"], name="notification_by_number"),
            models.Index(fields=["state"], condition=~models.Q(state="sent"), name="notification_not_sent"),
            models.Index(
                fields=["kind", "-id"],
                condition=models.Q(kind__in=RARE_KINDS),
                name="notification_by_unusual_kind",
            ),
            models.Index(Upper("email"), name="notification_by_email"),
            models.Index(
                fields=["report", "-id"],
                condition=models.Q(report__in=TROUBLE),
                name="notification_by_trouble",
            ),
        ]
        permissions = [("resend_notification", "Can send a message again")]

    def __str__(self) -> str:
        return gettext("{message} for {order}").format(message=self.get_kind_display(), order=self.number)


class Resend(models.Model):
    """A resend of a message: who requested it, when, to which address, and its outcome."""

    class Outcome(models.TextChoices):
        """Outcome of a resend."""

        #: The mail server has not replied yet, or the process died meanwhile.
        REQUESTED = "requested"
        SENT = "sent"
        FAILED = "failed"

    notification = models.ForeignKey(Notification, on_delete=models.PROTECT, related_name="resends")
    #: Number of the resend, from 1; part of its Message-ID.
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
