"""Admin pages of dead letters: list by cause, replay and discard with confirmation, progress, edit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode

from celery.exceptions import OperationalError
from celery.result import AsyncResult
from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shop.messaging.dead_letters import tasks
from shop.messaging.dead_letters.actions import ReplayProgress, discard_dead_letters, replay_dead_letters
from shop.messaging.dead_letters.causes import causes
from shop.messaging.dead_letters.edits import editable_text, edits_whole_message, replace_dead_letter
from shop.messaging.dead_letters.preview import preview
from shop.messaging.dead_letters.selection import Selection
from shop.messaging.errors import MessagingError
from shop.messaging.models import DeadLetter

#: Largest number of dead letters replayed in the request. More are replayed by a worker.
MAX_REPLAYED_IN_REQUEST = 100
LIST = "admin:messaging_deadletter_changelist"


class ReasonForm(forms.Form):
    """Form for the reason of an action."""

    reason = forms.CharField(
        label=_("Reason"), widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})
    )


class ReplayForm(ReasonForm):
    """Form of a replay: the reason is optional."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


class EditForm(ReasonForm):
    """Form for the text of the copy and the reason."""

    text = forms.CharField(
        label=_("Text"), strip=False, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"})
    )
    field_order = ["text", "reason"]


class Owner(Protocol):
    """Model admin that the pages belong to: its site, messages and permissions."""

    admin_site: AdminSite
    opts: Any
    message_user: Callable[..., None]
    has_view_permission: Callable[[HttpRequest], bool]
    has_replay_permission: Callable[[HttpRequest], bool]
    has_discard_permission: Callable[[HttpRequest], bool]
    has_edit_permission: Callable[[HttpRequest], bool]


class Pages:
    """Views of dead letters beyond those of a ModelAdmin."""

    def __init__(self, owner: Any) -> None:
        self._owner: Owner = owner

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns of the pages, each restricted to staff."""
        pages: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("by-cause/", self.by_cause, "causes"),
            ("replay/", self.replay, "replay"),
            ("discard/", self.discard, "discard"),
            ("replays/<str:task_id>/", self.progress, "progress"),
            ("<int:pk>/edit/", self.edit, "edit"),
        ]
        guard = self._owner.admin_site.admin_view
        return [path(route, guard(view), name=f"messaging_deadletter_{name}") for route, view, name in pages]

    def by_cause(self, request: HttpRequest) -> HttpResponse:
        """List the causes of open dead letters."""
        self._require(request, self._owner.has_view_permission)
        rows = [(cause, _list_of(cause.selection), cause.selection.as_query()) for cause in causes()]
        context = {
            "may_replay": self._owner.has_replay_permission(request),
            "may_discard": self._owner.has_discard_permission(request),
        }
        return self._render(request, "by_cause", gettext("Dead letters by cause"), rows=rows, **context)

    def replay(self, request: HttpRequest) -> HttpResponse:
        """Show the preview of a replay; replay on confirmation."""
        self._require(request, self._owner.has_replay_permission)
        selection = _selection(request)
        if request.method == "POST":
            return self._replay(request, selection, reason=request.POST.get("reason", ""))
        context = {"preview": preview(selection), "form": ReplayForm(), "at_once": MAX_REPLAYED_IN_REQUEST}
        return self._render(
            request,
            "replay",
            gettext("Replay dead letters?"),
            query=selection.as_query(),
            **context,
            **_already_closed(selection),
        )

    def discard(self, request: HttpRequest) -> HttpResponse:
        """Show the letters by cause; discard them on confirmation with a reason."""
        self._require(request, self._owner.has_discard_permission)
        selection, form = _selection(request), ReasonForm(request.POST or None)
        if form.is_valid():
            by, reason = request.user.get_username(), form.cleaned_data["reason"]
            done = max(discard_dead_letters(selection, by=by, reason=reason), default=0)
            text = gettext("{number} discarded.").format(number=done)
            self._owner.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(reverse(LIST))
        context = {"causes": causes(selection), "letters": selection.letters().count(), "form": form}
        return self._render(
            request,
            "discard",
            gettext("Discard dead letters?"),
            query=selection.as_query(),
            **context,
            **_already_closed(selection),
        )

    def progress(self, request: HttpRequest, task_id: str) -> HttpResponse:
        """Show the progress of a replay by a worker. The page reloads itself until it is finished."""
        self._require(request, self._owner.has_view_permission)
        result: AsyncResult[Any] = AsyncResult(task_id)
        info = result.info if isinstance(result.info, dict) else {}
        context = {"state": result.state, "is_ready": result.ready(), "info": info, "error": result.info}
        return self._render(
            request, "progress", gettext("Replay of dead letters"), task_id=task_id, **context
        )

    def edit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit the event of a letter, and deliver the copy instead of it."""
        self._require(request, self._owner.has_edit_permission)
        letter = get_object_or_404(DeadLetter, pk=pk)
        form = EditForm(request.POST or None, initial={"text": editable_text(letter)})
        if form.is_valid() and self._replace(request, letter, form):
            return HttpResponseRedirect(reverse("admin:messaging_deadletter_change", args=[pk]))
        context = {"form": form, "letter": letter, "edits_whole_message": edits_whole_message(letter)}
        return self._render(
            request, "edit", gettext("Edit and replay: {letter}").format(letter=letter), **context
        )

    def _replay(self, request: HttpRequest, selection: Selection, *, reason: str) -> HttpResponse:
        by, total = request.user.get_username(), selection.letters().count()
        if total > MAX_REPLAYED_IN_REQUEST:
            return self._replay_by_worker(request, selection, by=by, reason=reason, total=total)
        progress = ReplayProgress()
        deque(replay_dead_letters(selection, by=by, reason=reason, progress=progress), maxlen=0)
        text = gettext("{number} replayed.").format(number=progress.replayed)
        self._owner.message_user(request, text, messages.SUCCESS)
        for refusal, count in progress.refused.items():
            self._owner.message_user(
                request,
                gettext("{count} not replayed: {refusal}.").format(count=count, refusal=refusal),
                messages.WARNING,
            )
        return HttpResponseRedirect(reverse(LIST))

    def _replay_by_worker(self, request: HttpRequest, selection: Selection, **arguments: Any) -> HttpResponse:
        arguments["selection"] = selection.as_json()
        try:
            task = tasks.replay.apply_async(kwargs=arguments, retry=False)
        except (OperationalError, OSError) as error:
            text = gettext(
                "Nothing was replayed: the broker cannot be reached, and so no worker ({error})."
            ).format(error=error)
            self._owner.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(reverse(LIST))
        return HttpResponseRedirect(reverse("admin:messaging_deadletter_progress", args=[task.id]))

    def _replace(self, request: HttpRequest, letter: DeadLetter, form: EditForm) -> bool:
        try:
            replace_dead_letter(
                dead_letter_id=letter.pk,
                text=form.cleaned_data["text"],
                by=request.user.get_username(),
                reason=form.cleaned_data["reason"],
            )
        except MessagingError as error:
            form.add_error("text", str(error).splitlines())
            return False
        self._owner.message_user(request, gettext("The copy is on its way."), messages.SUCCESS)
        return True

    def _require(self, request: HttpRequest, has_permission: Callable[[HttpRequest], bool]) -> None:
        if not (self._owner.has_view_permission(request) and has_permission(request)):
            raise PermissionDenied

    def _render(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        shared = {**self._owner.admin_site.each_context(request), "opts": self._owner.opts, "title": title}
        return TemplateResponse(request, f"admin/messaging/deadletter/{name}.html", {**shared, **context})


def _selection(request: HttpRequest) -> Selection:
    """Return the selection in the URL, bounded to the letters that exist now."""
    try:
        return Selection.from_query(request.GET.dict()).as_of_now()
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _already_closed(selection: Selection) -> dict[str, int]:
    """Return the number of selected letters that are no longer open, for the template."""
    return {"already_closed": len(selection.ids or ()) - selection.letters().count() if selection.ids else 0}


def _list_of(selection: Selection) -> str:
    """Return the URL of these letters' list in the admin."""
    return f"{reverse(LIST)}?{urlencode({'status__exact': DeadLetter.Status.OPEN, **selection.where})}"
