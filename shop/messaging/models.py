"""Tables of the kernel: event log, outbox, inbox, scheduled messages, circuits and dead letters."""

from typing import Any, NoReturn

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext

from shop.ids import uuid7


class EventRecord(models.Model):
    """An event in the append-only log. The database refuses UPDATE, DELETE and TRUNCATE."""

    append_only = True

    #: Reading order of the log. Positions may become visible out of order: see docs/guarantees.md.
    position = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True)
    type = models.CharField(max_length=100)
    aggregate_id = models.UUIDField()
    #: Number of the event within its aggregate: 1, 2, 3 ... without gaps.
    sequence = models.IntegerField()
    time = models.DateTimeField()
    correlation_id = models.UUIDField()
    causation_id = models.UUIDField(null=True)
    traceparent = models.CharField(max_length=55, blank=True)
    data = models.JSONField()
    #: Hash over the event and the hash of the one before it, by the database: see log_proof/chain.py.
    hash = models.BinaryField(null=True)

    class Meta:
        verbose_name = "event"
        constraints = [
            models.UniqueConstraint(fields=["aggregate_id", "sequence"], name="event_sequence_unique")
        ]
        indexes = [
            models.Index(fields=["correlation_id"], name="event_correlation"),
            models.Index(fields=["type", "-position"], name="event_by_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.position}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: only publish() writes to the log."""
        raise TypeError("the log is append-only: publish() an event instead")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the log is append-only."""
        raise TypeError("the log is append-only: nothing in it can be deleted")


class LogRoot(models.Model):
    """A signed Merkle root over the events since the root before it, see log_proof/roots.py."""

    append_only = True

    #: 1, 2, 3 ... without gaps.
    number = models.PositiveIntegerField(primary_key=True)
    last_position = models.BigIntegerField(unique=True)
    events = models.PositiveIntegerField()
    #: One line an event: position, type, aggregate, hash.
    leaves = models.TextField()
    root = models.BinaryField()
    signed_at = models.DateTimeField()
    public_key = models.CharField(max_length=64)
    signature = models.BinaryField()

    class Meta:
        verbose_name = "root of the log"
        verbose_name_plural = "roots of the log"

    def __str__(self) -> str:
        return f"root {self.number}"


class Restore(models.Model):
    """A database that the shop may run on: the new one of an installation, then one a restore."""

    #: Cluster and log, see restores/opening.py.
    identity = models.CharField(max_length=100)
    #: Target of a recovery to a point in time; empty without one.
    target = models.TextField(blank=True, db_default="")
    is_restore = models.BooleanField(db_default=False)
    #: Newest event that the restored log has; later ones are lost.
    newest_event_at = models.DateTimeField(null=True)
    #: Numbers that were left out in each sequence.
    gap = models.BigIntegerField(db_default=0)
    by = models.CharField(max_length=150)
    opened_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "restore"

    def __str__(self) -> str:
        return f"opened by {self.by}"


class OutboxEntry(models.Model):
    """A message for the broker, deleted once the broker has confirmed it."""

    #: Shard of the aggregate. One relay at a time publishes a shard, in order.
    shard = models.SmallIntegerField()
    message_id = models.UUIDField()
    type = models.CharField(max_length=100)
    #: Destination queue; empty for an event, which goes to all subscribers.
    queue = models.CharField(max_length=100, blank=True)
    headers = models.JSONField(default=dict)
    #: The CloudEvent as sent over the wire.
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox entries"
        indexes = [models.Index(fields=["shard", "id"], name="outbox_shard")]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"


class InboxEntry(models.Model):
    """A consumed event of a consumer, committed with the effects."""

    event_id = models.UUIDField()
    consumer = models.CharField(max_length=150)
    #: Beginning of the consumer's run, by the clock of its worker.
    began_at = models.DateTimeField(null=True)
    consumed_at = models.DateTimeField(db_default=Now(), db_index=True)
    #: Failed attempts before.
    attempts = models.SmallIntegerField(db_default=0)

    class Meta:
        verbose_name = "inbox entry"
        verbose_name_plural = "inbox entries"
        constraints = [models.UniqueConstraint(fields=["event_id", "consumer"], name="inbox_once")]

    def __str__(self) -> str:
        return f"{self.consumer} consumed {self.event_id}"


class Horizon(models.Model):
    """The moment up to which a table was pruned: a missing row from before proves nothing."""

    what = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.what} until {self.at}"


class WorkerNode(models.Model):
    """A worker, as it reported a few seconds ago; it removes its row when it stops."""

    #: Celery's name of the node, as in ``payments@web-1``.
    name = models.CharField(max_length=255, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    #: Queues that it serves, with commas between.
    queues = models.TextField()
    processes = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    #: Tasks that it has taken and not finished; a batch of events is one.
    in_hand = models.PositiveIntegerField()
    #: Tasks since its start.
    runs = models.PositiveBigIntegerField()
    runs_a_minute = models.FloatField()

    class Meta:
        verbose_name = "worker"

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A consumer's beginning in the log. Events up to ``position`` are not its own.

    It is behind with those after ``backfilled_to`` and up to ``backfill_until``: a backfill sends them.
    """

    consumer = models.CharField(max_length=150, primary_key=True)
    position = models.BigIntegerField("since position")
    backfilled_to = models.BigIntegerField(db_default=0)
    backfill_until = models.BigIntegerField(db_default=0)
    began_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.consumer} since {self.position}"

    @property
    def is_behind(self) -> bool:
        """True until the backfill is done."""
        return self.backfilled_to < self.backfill_until


class ScheduledMessage(models.Model):
    """A message due later: a reminder, a retry, or an event deferred because it came too early."""

    class Kind(models.TextChoices):
        #: Durable timer of an app.
        REMINDER = "reminder"
        #: The consumer failed and will be tried again.
        RETRY = "retry"
        #: The predecessor event has not come. Due once the app consumes any event of the aggregate.
        DEFERRED = "parked"
        #: The consumer is paused, see Circuit. Due once its circuit closes.
        HELD = "held"

    kind = models.CharField(max_length=10, choices=Kind)
    app = models.CharField(max_length=50)
    #: The consumer that could not consume it; empty for reminders.
    consumer = models.CharField(max_length=150, blank=True, db_default="")
    type = models.CharField(max_length=100)
    message_id = models.UUIDField(default=uuid7)
    aggregate_id = models.UUIDField()
    body = models.TextField()
    due_at = models.DateTimeField(db_index=True)
    #: Failed attempts so far.
    attempts = models.SmallIntegerField(default=0)
    #: Deferrals so far.
    deferrals = models.SmallIntegerField(default=0, db_column="parkings")
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "scheduled message"
        constraints = [
            models.UniqueConstraint(
                fields=["type", "aggregate_id"],
                condition=models.Q(kind="reminder"),
                name="one_reminder_per_aggregate",
            ),
            models.UniqueConstraint(fields=["app", "message_id"], name="one_scheduled_delivery_per_app"),
        ]
        indexes = [
            models.Index(
                fields=["aggregate_id", "app"], condition=models.Q(kind="parked"), name="parked_by_aggregate"
            ),
            models.Index(fields=["consumer", "id"], condition=models.Q(kind="held"), name="held_by_consumer"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.type} for {self.app}"


class Circuit(models.Model):
    """An open circuit: a consumer paused after failing at every event, or by hand. Deleted when it closes."""

    consumer = models.CharField(max_length=150, primary_key=True)
    opened_at = models.DateTimeField("opened", db_default=Now())
    #: Failed probes since the circuit opened.
    probes = models.IntegerField("failed probes", default=0)
    probe_at = models.DateTimeField("next probe")
    last_error = models.TextField(blank=True)
    #: Operator who paused it by hand; empty if the breaker did. Then it is not probed.
    paused_by = models.CharField(max_length=150, blank=True, db_default="")
    paused_at = models.DateTimeField("paused by hand", null=True, blank=True)
    #: End of a pause by hand; without it an operator resumes the consumer.
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, db_default="")

    class Meta:
        verbose_name = "paused consumer"
        permissions = [
            ("probe_circuit", "Can probe paused consumers"),
            ("pause_circuit", "Can pause and resume consumers"),
        ]

    def __str__(self) -> str:
        return self.consumer


class DeadLetter(models.Model):
    """A message that could not be consumed. An operator replays, edits or discards it."""

    class Status(models.TextChoices):
        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"
        #: Delivered as an edited copy.
        REPLACED = "replaced"

    class Cause(models.TextChoices):
        #: The consumer failed for good, or at every attempt.
        FAILED = "failed"
        #: The message is malformed, or of an unknown type.
        UNREADABLE = "unreadable"
        #: No queue is bound to the type.
        UNROUTABLE = "unroutable"
        #: The consumer killed its worker process.
        CRASHED = "crashed"
        #: The message does not come from the shop.
        FORGED = "forged"
        #: It was published in the time that a restore of the database has lost.
        LOST = "lost"

    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    cause = models.CharField(max_length=10, choices=Cause)
    app = models.CharField(max_length=50, blank=True)
    consumer = models.CharField(max_length=150, blank=True)
    type = models.CharField(max_length=100, blank=True)
    event_id = models.UUIDField(null=True, blank=True, db_index=True)
    aggregate_id = models.UUIDField(null=True, blank=True, db_index=True)
    body = models.TextField()
    error_type = models.CharField(max_length=200)
    error = models.TextField()
    traceback = models.TextField(blank=True)
    attempts = models.SmallIntegerField(default=0)
    died_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        verbose_name = "dead letter"
        permissions = [
            ("replay_deadletter", "Can replay dead letters"),
            ("discard_deadletter", "Can discard dead letters"),
            ("edit_deadletter", "Can edit dead letters and replay the copies"),
        ]
        indexes = [
            models.Index(
                fields=["app", "consumer", "error_type", "type"],
                condition=models.Q(status="open"),
                name="open_dead_letters_by_cause",
            )
        ]
        constraints = [
            # A repeated failure updates the dead letter that is open already.
            models.UniqueConstraint(
                fields=["app", "consumer", "event_id"],
                condition=models.Q(status="open", event_id__isnull=False),
                name="one_open_dead_letter_per_delivery",
            )
        ]

    def __str__(self) -> str:
        kind = self.type or gettext("unreadable message")
        receiver = self.consumer or self.app or gettext("all subscribers")
        return gettext("{type} for {receiver}").format(type=kind, receiver=receiver)


class DeadLetterAction(models.Model):
    """An operator's action on a dead letter: who, when and why."""

    dead_letter = models.ForeignKey(DeadLetter, on_delete=models.PROTECT, related_name="actions")
    action = models.CharField(
        max_length=10, choices=[("replay", "replay"), ("discard", "discard"), ("edit", "edit and replay")]
    )
    by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    #: Id of the edited copy, and its changes as a diff.
    copy_id = models.UUIDField(null=True, blank=True)
    diff = models.TextField(blank=True, db_default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "dead letter action"

    def __str__(self) -> str:
        return f"{self.action} by {self.by}"
