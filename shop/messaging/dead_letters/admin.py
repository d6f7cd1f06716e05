"""Dead letters in the admin: the list by which they are chosen, and the page of one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from shop.adminkit.read_only import ReadOnly, ReadOnlyAdmin
from shop.messaging.dead_letters.pages import Pages
from shop.messaging.dead_letters.replay_target import parsed, pretty
from shop.messaging.dead_letters.selection import Selection, matching
from shop.messaging.models import DeadLetter, DeadLetterAction


class DeadLetterActions(ReadOnly, admin.TabularInline[DeadLetterAction, DeadLetter]):
    model = DeadLetterAction
    extra = 0
    verbose_name_plural = "what was done with it"
    readonly_fields = ["action", "by", "at", "reason", "copy_id", "changes"]
    exclude = ["diff"]

    @admin.display(description="what was edited")
    def changes(self, action: DeadLetterAction) -> str:
        return _pre(action.diff)


class DeadLetterActionAdmin(ReadOnlyAdmin):
    """Who did what with which letter: the audit trail of all of them."""

    list_display = ["at", "by", "action", "dead_letter", "reason"]
    list_select_related = ["dead_letter"]
    list_filter = ["action", "by"]
    search_fields = ["reason", "=by"]
    ordering = ["-pk"]


class DeadLetterAdmin(ReadOnlyAdmin):
    """To be looked at, and replayed, discarded or edited by who may."""

    list_display = ["id", "status", "error_type", "receiver", "type", "attempts", "died_at"]
    list_filter = ["status", "cause", "app", "consumer", "error_type", "type"]
    #: What is searched for, see get_search_results().
    search_fields = ["error"]
    search_help_text = "the id of an event or of an order, or a part of the error"
    ordering = ["-pk"]
    inlines = [DeadLetterActions]
    actions = ["replay", "discard"]
    fieldsets = [
        (None, {"fields": ["status", "cause", "app", "consumer", "type", "event_id", "aggregate_id"]}),
        ("What happened", {"fields": ["died_at", "attempts", "error_type", "error", "stack"]}),
        ("The message", {"fields": ["message"]}),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pages = Pages(self)

    def get_urls(self) -> list[URLPattern]:
        return [*self.pages.urls(), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [field.name for field in self.opts.concrete_fields] + ["message", "stack"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter], search_term: str
    ) -> tuple[QuerySet[DeadLetter], bool]:
        return (queryset.filter(matching(search_term)) if search_term else queryset), False

    def has_act_on_permission(self, request: HttpRequest) -> bool:
        """Whether the user may replay and discard."""
        return request.user.has_perm("messaging.act_on_deadletter")

    def has_edit_permission(self, request: HttpRequest) -> bool:
        """Whether the user may deliver edited copies."""
        return request.user.has_perm("messaging.edit_deadletter")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        may = {"may_act": self.has_act_on_permission(request), "may_edit": self.has_edit_permission(request)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **may})

    @admin.display(description="for", ordering="consumer")
    def receiver(self, letter: DeadLetter) -> str:
        return letter.consumer or letter.app or "whoever subscribes"

    @admin.display(description="message")
    def message(self, letter: DeadLetter) -> str:
        message = parsed(letter)
        return _pre(pretty(message) if message else letter.body)

    @admin.display(description="traceback")
    def stack(self, letter: DeadLetter) -> str:
        return _pre(letter.traceback)

    @admin.action(description="Replay…", permissions=["act_on"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse | None:
        """Ask first, telling what a replay would do."""
        return self._ask(request, "replay")

    @admin.action(description="Discard…", permissions=["act_on"])
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponse | None:
        """Ask first, and for a reason."""
        return self._ask(request, "discard")

    def _ask(self, request: HttpRequest, action: str) -> HttpResponse | None:
        try:
            selection = _selected(request)
        except ValueError as error:
            self.message_user(request, f"{error}: filter by something else.", messages.ERROR)
            return None
        url = reverse(f"admin:messaging_deadletter_{action}")
        return HttpResponseRedirect(f"{url}?{selection.as_query()}")


def _selected(request: HttpRequest) -> Selection:
    """What was ticked in the list, or all that its filters let through."""
    if request.POST.get("select_across") != "1":
        return Selection(ids=[int(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)])
    filters = {name.removesuffix("__exact"): value for name, value in request.GET.dict().items()}
    where = {name: value for name, value in filters.items() if name not in {"q", "o", "p", "status"}}
    if filters.get("status", DeadLetter.Status.OPEN) != DeadLetter.Status.OPEN:
        return Selection(ids=[])
    return Selection(where=where, search=filters.get("q", ""))


def _pre(text: str) -> str:
    return format_html('<pre style="white-space: pre-wrap; margin: 0">{}</pre>', text) if text else "-"
