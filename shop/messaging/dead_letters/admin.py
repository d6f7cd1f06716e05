"""Admin of dead letters: list, detail page and audit trail."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shop.adminkit.order_links import CompletedChangeList, LeadsToOrders
from shop.adminkit.read_only import ReadOnly, ReadOnlyAdmin
from shop.adminkit.theme import TabularInline
from shop.messaging.dead_letters.pages import Pages
from shop.messaging.dead_letters.replay_target import parse_body, pretty_json
from shop.messaging.dead_letters.selection import Selection, search_condition
from shop.messaging.models import DeadLetter, DeadLetterAction


class DeadLetterActions(ReadOnly, TabularInline[DeadLetterAction, DeadLetter]):
    """Actions taken on a dead letter."""

    model = DeadLetterAction
    extra = 0
    verbose_name_plural = _("actions taken")
    readonly_fields = ["action", "by", "at", "reason", "copy_id", "changes"]
    exclude = ["diff"]

    @admin.display(description=_("what changed"))
    def changes(self, action: DeadLetterAction) -> str:
        """Return the diff of an edit."""
        return _pre(action.diff)


class DeadLetterActionAdmin(ReadOnlyAdmin):
    """Audit trail of all actions on dead letters."""

    list_display = ["at", "by", "action", "dead_letter", "reason"]
    list_select_related = ["dead_letter"]
    list_filter = ["action", "by"]
    search_fields = ["reason", "=by"]
    ordering = ["-pk"]


class DeadLetterAdmin(LeadsToOrders, ReadOnlyAdmin):
    """Read-only admin of dead letters. Replay, discard and edit need permissions of their own."""

    order_field = "aggregate_id"
    list_display = ["id", "status", "error_type", "receiver", "type", "order_page", "attempts", "died_at"]
    list_filter = ["status", "cause", "app", "consumer", "error_type", "type"]
    #: Enables the search box; get_search_results() searches.
    search_fields = ["error"]
    search_help_text = _("the id of an event or of an order, or a part of the error")
    ordering = ["-pk"]
    inlines = [DeadLetterActions]
    actions = ["replay", "discard"]
    max_selected = None  # a task acts on thousands

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CompletedChangeList]:
        """Return the list that leads to orders."""
        return CompletedChangeList

    fieldsets = [
        (None, {"fields": ["status", "cause", "app", "consumer", "type", "event_id", "aggregate_id"]}),
        (_("What happened"), {"fields": ["died_at", "attempts", "error_type", "error", "stack"]}),
        (_("The message"), {"fields": ["message"]}),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pages = Pages(self)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of dead letters."""
        return [*self.pages.urls(), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return all fields, with formatted message and traceback."""
        return [field.name for field in self.opts.concrete_fields] + ["message", "stack"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter], search_term: str
    ) -> tuple[QuerySet[DeadLetter], bool]:
        """Search by id of an event or an aggregate, or by part of an error."""
        return (queryset.filter(search_condition(search_term)) if search_term else queryset), False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may replay."""
        return request.user.has_perm("messaging.replay_deadletter")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may discard."""
        return request.user.has_perm("messaging.discard_deadletter")

    def has_edit_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may deliver edited copies."""
        return request.user.has_perm("messaging.edit_deadletter")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the letter with the actions that the user is permitted."""
        permissions = {
            "may_replay": self.has_replay_permission(request),
            "may_discard": self.has_discard_permission(request),
            "may_edit": self.has_edit_permission(request),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **permissions})

    @admin.display(description=_("for"), ordering="consumer")
    def receiver(self, letter: DeadLetter) -> str:
        """Return the consumer or app that the message was for."""
        return letter.consumer or letter.app or gettext("all subscribers")

    @admin.display(description=_("message"))
    def message(self, letter: DeadLetter) -> str:
        """Return the message, formatted if it is JSON."""
        message = parse_body(letter)
        return _pre(pretty_json(message) if message else letter.body)

    @admin.display(description=_("traceback"))
    def stack(self, letter: DeadLetter) -> str:
        """Return the traceback of the last attempt."""
        return _pre(letter.traceback)

    @admin.action(description=_("Replay…"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse | None:
        """Redirect to the confirmation page of a replay."""
        return self._confirm(request, "replay")

    @admin.action(description=_("Discard…"), permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse | None:
        """Redirect to the confirmation page of a discard."""
        return self._confirm(request, "discard")

    def _confirm(self, request: HttpRequest, action: str) -> HttpResponse | None:
        try:
            selection = _selected(request)
        except ValueError as error:
            self.message_user(
                request, gettext("{error}: filter by something else.").format(error=error), messages.ERROR
            )
            return None
        url = reverse(f"admin:messaging_deadletter_{action}")
        return HttpResponseRedirect(f"{url}?{selection.as_query()}")


def _selected(request: HttpRequest) -> Selection:
    """Return the ticked letters, or all letters that match the list's filters."""
    if request.POST.get("select_across") != "1":
        return Selection(ids=[int(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)])
    filters = {name.removesuffix("__exact"): value for name, value in request.GET.dict().items()}
    where = {name: value for name, value in filters.items() if name not in {"q", "o", "p", "status"}}
    if filters.get("status", DeadLetter.Status.OPEN) != DeadLetter.Status.OPEN:
        return Selection(ids=[])
    return Selection(where=where, search=filters.get("q", ""))


def _pre(text: str) -> str:
    return format_html('<pre class="wrapped">{}</pre>', text) if text else "-"
