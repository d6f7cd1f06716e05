"""The kernel in the admin: everything is there to look at; only dead letters can be acted on."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from shop.messaging import tasks
from shop.messaging.dead_letters import discard_dead_letters, replay_dead_letters
from shop.messaging.models import (
    DeadLetter,
    DeadLetterAction,
    EventRecord,
    InboxEntry,
    OutboxEntry,
    ScheduledMessage,
)
from shop.readonly import ReadOnly, ReadOnlyAdmin

#: More dead letters than this are replayed by a worker.
REPLAYED_AT_ONCE = 100


@admin.register(EventRecord)
class EventRecordAdmin(ReadOnlyAdmin):
    list_display = ["position", "type", "aggregate_id", "sequence", "time"]
    list_filter = ["type", "time"]
    search_fields = ["=aggregate_id", "=correlation_id", "=id"]
    ordering = ["-position"]


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    list_display = ["id", "type", "queue", "shard", "created_at"]
    list_filter = ["type", "queue"]
    search_fields = ["=message_id"]


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnlyAdmin):
    list_display = ["consumer", "event_id", "consumed_at"]
    list_filter = ["consumer"]
    search_fields = ["=event_id"]
    ordering = ["-pk"]


@admin.register(ScheduledMessage)
class ScheduledMessageAdmin(ReadOnlyAdmin):
    list_display = ["kind", "app", "type", "aggregate_id", "due_at", "attempts", "parkings", "last_error"]
    list_filter = ["kind", "app", "type"]
    search_fields = ["=aggregate_id", "=message_id"]
    ordering = ["due_at"]


class DeadLetterActions(ReadOnly, admin.TabularInline[DeadLetterAction, DeadLetter]):
    model = DeadLetterAction
    extra = 0


class ReasonForm(ActionForm):
    """The choice of an action, with room for its reason."""

    reason = forms.CharField(required=False, help_text="needed to discard")


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["id", "status", "cause", "consumer", "type", "error_type", "attempts", "died_at"]
    list_filter = ["status", "cause", "app", "consumer", "error_type", "type"]
    search_fields = ["=event_id", "=aggregate_id", "error"]
    ordering = ["-pk"]
    inlines = [DeadLetterActions]
    actions = ["replay", "discard"]
    action_form = ReasonForm

    def has_act_on_permission(self, request: HttpRequest) -> bool:
        """Whether the user may replay and discard."""
        return request.user.has_perm("messaging.act_on_deadletter")

    @admin.action(description="Replay: deliver to its consumer again", permissions=["act_on"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Deliver the selected events to their consumers again; many of them by a worker."""
        ids, by = list(queryset.values_list("pk", flat=True)), request.user.get_username()
        if len(ids) > REPLAYED_AT_ONCE:
            task = tasks.replay.apply_async(args=(ids, by), retry=False)
            text = f"A worker replays {len(ids)} dead letters: see task result {task.id}."
            self.message_user(request, text, messages.SUCCESS)
        else:
            self._report(request, "replayed", *replay_dead_letters(dead_letter_ids=ids, by=by))

    @admin.action(description="Discard, for the reason given", permissions=["act_on"])
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Give up on the selected messages."""
        ids, by = queryset.values_list("pk", flat=True), request.user.get_username()
        reason = request.POST.get("reason", "")
        self._report(request, "discarded", *discard_dead_letters(dead_letter_ids=ids, by=by, reason=reason))

    def _report(self, request: HttpRequest, what: str, done: int, refusals: list[str]) -> None:
        if done:
            self.message_user(request, f"{done} {what}.", messages.SUCCESS)
        for refusal in dict.fromkeys(refusals):
            self.message_user(request, refusal, messages.WARNING)
