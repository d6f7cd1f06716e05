"""Admin of the kernel's tables: read-only, except for dead letters and probes of paused consumers."""

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shop import journal
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.order_links import LeadsToOrders
from shop.adminkit.read_only import ReadOnlyAdmin
from shop.messaging.admin_filters import ConsumerFilter, EventTypeFilter
from shop.messaging.consuming import circuit_breaker
from shop.messaging.dead_letters.admin import DeadLetterActionAdmin, DeadLetterAdmin
from shop.messaging.models import (
    Circuit,
    DeadLetter,
    DeadLetterAction,
    EventRecord,
    Horizon,
    InboxEntry,
    LogRoot,
    OutboxEntry,
    Restore,
    ScheduledMessage,
    Subscription,
    WorkerNode,
)

admin.site.register(DeadLetter, DeadLetterAdmin)
admin.site.register(DeadLetterAction, DeadLetterActionAdmin)


@admin.register(EventRecord)
class EventRecordAdmin(LeadsToOrders, KeysetAdmin):
    """The event log."""

    order_field = "aggregate_id"
    list_display = ["position", "type", "order_page", "sequence", "time"]
    list_filter = [EventTypeFilter]
    search_fields = ["aggregate_id", "correlation_id", "id"]
    ordering = ["-position"]


@admin.register(LogRoot)
class LogRootAdmin(ReadOnlyAdmin):
    """Signed roots over the event log."""

    list_display = ["number", "last_position", "events", "signed_at", "public_key"]
    fields = ["number", "last_position", "events", "signed_at", "public_key"]


@admin.register(Restore)
class RestoreAdmin(ReadOnlyAdmin):
    """Databases that the shop was opened on: the first, then one a restore."""

    list_display = ["opened_at", "is_restore", "newest_event_at", "gap", "by"]


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    """Messages not yet confirmed by the broker."""

    list_display = ["id", "type", "queue", "shard", "created_at"]
    list_filter = ["type", "queue"]
    search_fields = ["message_id__exact"]


@admin.register(InboxEntry)
class InboxEntryAdmin(KeysetAdmin):
    """Consumed events, by consumer."""

    list_display = ["consumer", "event_id", "consumed_at"]
    list_filter = [ConsumerFilter]
    search_fields = ["event_id"]
    ordering = ["-pk"]


@admin.register(WorkerNode)
class WorkerNodeAdmin(ReadOnlyAdmin):
    """Workers that are alive, or were killed within a day."""

    list_display = (
        "name",
        "host",
        "queues",
        "processes",
        "in_hand",
        "runs_a_minute",
        "started_at",
        "seen_at",
    )
    ordering = ("name",)


@admin.register(Horizon)
class HorizonAdmin(ReadOnlyAdmin):
    """Pruned periods of the inbox."""

    list_display = ["what", "at"]


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Beginnings of consumers in the log."""

    list_display = ["consumer", "position", "backfilled_to", "backfill_until", "began_at"]
    ordering = ["consumer"]


@admin.register(ScheduledMessage)
class ScheduledMessageAdmin(ReadOnlyAdmin):
    """Reminders, retries, and deferred or held events."""

    list_display = [
        "kind", "app", "consumer", "type", "aggregate_id", "due_at", "attempts", "deferrals", "last_error"
    ]  # fmt: skip
    list_filter = ["kind", "app", "consumer", "type"]
    search_fields = ["aggregate_id__exact", "message_id__exact"]
    ordering = ["due_at"]


@admin.register(Circuit)
class CircuitAdmin(ReadOnlyAdmin):
    """Paused consumers, with an action that probes them."""

    list_display = [
        "consumer", "opened_at", "held", "paused_by", "paused_at", "paused_until", "reason",
        "probes", "probe_at", "last_error",
    ]  # fmt: skip
    actions = ["probe"]

    @admin.display(description=_("events held"))
    def held(self, circuit: Circuit) -> int:
        """Return the number of events held for the consumer."""
        return circuit_breaker.held(circuit.consumer)

    def has_probe_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may probe paused consumers."""
        return request.user.has_perm("messaging.probe_circuit")

    @admin.action(description=_("Probe now"), permissions=["probe"])
    def probe(self, request: HttpRequest, queryset: QuerySet[Circuit]) -> None:
        """Make the next probe of the selected consumers due now."""
        with transaction.atomic():
            for circuit in queryset.filter(paused_by=""):
                journal.record(request, circuit, "Probed the consumer.")
            probed = queryset.filter(paused_by="").update(probe_at=Now())
        text = gettext("Consumers that are being probed: {number}.").format(number=probed)
        self.message_user(request, text, messages.SUCCESS)
