"""Models of integrations: endpoints, what is delivered to them, and each attempt."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from shop.ids import uuid7

#: Stands for all events, each in its newest version.
ALL_EVENTS = "*"


class Endpoint(models.Model):
    """An address of an outside program, and the events that are sent to it."""

    class State(models.TextChoices):
        """State of an endpoint. Only an enabled one gets new deliveries."""

        ENABLED = "enabled"
        #: Paused by a person, or by the shop after days of failures. What happens meanwhile is not collected.
        PAUSED = "paused"
        #: It has answered 410 Gone.
        GONE = "gone"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True, default="")
    #: Types such as ``orders.OrderShipped.v1``, or ALL_EVENTS alone.
    event_types = ArrayField(models.CharField(max_length=100))
    #: Address that is written to when the endpoint is stopped.
    contact = models.EmailField(max_length=254)
    state = models.CharField(max_length=10, choices=State, default=State.ENABLED)
    #: Why it is not enabled, in words.
    reason = models.CharField(max_length=200, blank=True, default="")
    #: Encrypted secrets; the former one signs too until its end.
    secret = models.BinaryField(editable=False)
    former_secret = models.BinaryField(null=True, editable=False)
    former_secret_ends_at = models.DateTimeField(null=True, editable=False)
    #: Failed attempts in a row, over all its deliveries.
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    #: Nothing is sent before this moment: after failures, or because it asked for that.
    retry_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)
    #: Events from before are not sent by themselves: those of the time before it was made or resumed.
    events_since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        permissions = [
            ("send_again", "Can send tests, and events again"),
            ("read_events", "Can read the feed of all events"),
        ]

    def __str__(self) -> str:
        return self.url

    def wants(self, type_: str, *, newest: bool) -> bool:
        """Tell whether it wants events of a type; ``newest``: it is the newest version."""
        return type_ in self.event_types or (newest and self.event_types == [ALL_EVENTS])


class Delivery(models.Model):
    """An event on its way to an endpoint."""

    class State(models.TextChoices):
        """State of a delivery."""

        PENDING = "pending"
        DELIVERED = "delivered"
        #: Given up after the last attempt, or with its endpoint.
        FAILED = "failed"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    #: Id of the event, which every attempt carries as ``webhook-id``.
    event_id = models.UUIDField()
    type = models.CharField(max_length=100)
    aggregate_id = models.UUIDField()
    #: Number of the event among those about its aggregate: they are sent in this order.
    sequence = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    #: It is given up after this moment.
    expires_at = models.DateTimeField()
    #: A worker is sending it until then; after a crash another one takes it.
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="one_delivery_of_an_event")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at", "id"], condition=models.Q(state="pending"), name="delivery_due"
            ),
            models.Index(
                fields=["endpoint", "aggregate_id", "sequence"],
                condition=models.Q(state="pending"),
                name="delivery_order",
            ),
            models.Index(
                fields=["endpoint"],
                condition=models.Q(state="pending", leased_until__isnull=False),
                name="delivery_leased",
            ),
            models.Index(
                fields=["endpoint", "occurred_at"],
                condition=models.Q(state="pending"),
                name="delivery_oldest",
            ),
            models.Index(fields=["event_id"], name="delivery_by_event"),
            models.Index(fields=["aggregate_id"], name="delivery_by_aggregate"),
            models.Index(
                fields=["finished_at"], condition=models.Q(finished_at__isnull=False), name="delivery_done"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Attempt(models.Model):
    """A request to an endpoint, and what became of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="history")
    at = models.DateTimeField()
    url = models.CharField(max_length=500)
    #: Headers of the request. Its body is the event, which the log keeps.
    headers = models.JSONField()
    #: Status of the answer; None if there was none.
    status = models.PositiveSmallIntegerField(null=True)
    #: Beginning of the answer.
    answer = models.TextField(blank=True)
    error = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.status or self.error} at {self.at}"


class TakenUp(models.Model):
    """The one row of it tells up to where the log is taken up for the endpoints."""

    position = models.BigIntegerField()

    def __str__(self) -> str:
        return f"taken up to {self.position}"


def is_over(moment: datetime | None) -> bool:
    """Tell whether a moment is past; one that is not set is not."""
    return moment is not None and moment <= timezone.now()
