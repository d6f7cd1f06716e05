"""Webhooks in the admin: endpoints with their secrets shown once, deliveries with their attempts."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from integrations import catalogue, resending, services
from integrations.errors import IntegrationsError, InvalidEndpoint
from integrations.models import ALL_EVENTS, Attempt, Delivery, Endpoint
from shop import journal
from shop.adminkit.bounded_actions import BoundedActions
from shop.adminkit.conflicts import ConflictAware
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline
from shop.rest.idempotency.forms import AlreadyDone, OneTimeActionForm, key_of_form, note_effect
from shop.stored_texts import translated

#: Permissions to send tests and events again.
SEND = ("integrations.view_endpoint", "integrations.view_delivery", "integrations.send_again")


class EndpointForm(forms.ModelForm[Endpoint]):
    """Form of an endpoint."""

    event_types = forms.MultipleChoiceField(
        label=_("Event types"),
        help_text=_("Without a choice: all, each in its newest version."),
        required=False,
    )

    class Meta:
        model = Endpoint
        fields = ("url", "description", "event_types", "contact")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["event_types"]
        field.choices = [(kind.type, kind.type) for kind in catalogue.choices()]

    def clean_event_types(self) -> list[str]:
        """Take no choice for all events."""
        return self.cleaned_data["event_types"] or [ALL_EVENTS]

    def clean_url(self) -> str:
        """Refuse an address that cannot be right."""
        url: str = self.cleaned_data["url"]
        try:
            services.check_url(url)
        except InvalidEndpoint as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return url


def _for_each(request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], object], entry: str) -> None:
    """Act on the selected rows, once for each form, with an entry in the journal."""
    key, done = key_of_form(request), 0
    for row in rows:
        try:
            with transaction.atomic():
                note_effect(request, key, about=row.pk)
                act(row)
                journal.record(request, row, entry)
        except (IntegrationsError, AlreadyDone) as refusal:
            messages.warning(request, f"{row}: {refusal}")
        else:
            done += 1
    messages.info(request, gettext("Done: %(number)s.") % {"number": done})


@admin.register(Endpoint)
class EndpointAdmin(ConflictAware, BoundedActions):
    """Endpoints of outside programs."""

    form = EndpointForm
    list_display = ("url", "description", "state", "failures", "failing_since", "retry_at", "created_at")
    list_filter = ("state",)
    ordering = ("-pk",)
    actions = ("send_test", "rotate_secret", "pause", "resume")
    action_form = OneTimeActionForm
    readonly_fields = (
        "state",
        "why_stopped",
        "failures",
        "failing_since",
        "retry_at",
        "former_secret_ends_at",
    )
    fieldsets = (
        (None, {"fields": ("url", "description", "event_types", "contact")}),
        (pgettext_lazy("of a thing", "State"), {"fields": readonly_fields}),
    )

    @admin.display(description=_("reason"))
    def why_stopped(self, endpoint: Endpoint) -> str:
        """Return the reason in the reader's language."""
        return translated(endpoint.reason)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Make or change the endpoint; a new one's secret is shown once."""
        values = {name: form.cleaned_data[name] for name in EndpointForm.Meta.fields}
        if change:
            services.change_endpoint(endpoint_id=obj.pk, **values)
            return
        endpoint, secret = services.create_endpoint(**values)
        obj.pk = endpoint.pk
        self._show(request, endpoint, secret)

    def has_delete_permission(self, request: HttpRequest, obj: Endpoint | None = None) -> bool:
        """Refuse to delete: that is done by the REST API, which needs no rights on each delivery."""
        return False

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may send tests."""
        return request.user.has_perms(SEND)

    @admin.action(description=_("Send a test"), permissions=["send_again"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Send a test to the selected endpoints."""
        _for_each(request, queryset, lambda one: resending.send_test(endpoint_id=one.pk), "Sent a test.")

    @admin.action(description=_("Replace the secret"), permissions=["change"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Replace the secrets of the selected endpoints, and show the new ones."""

        def rotate(endpoint: Endpoint) -> None:
            self._show(request, *services.rotate_secret(endpoint_id=endpoint.pk))

        _for_each(request, queryset, rotate, "Replaced its secret.")

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Pause the selected endpoints."""
        by = request.user.get_username()
        _for_each(
            request,
            queryset,
            lambda one: services.pause_endpoint(endpoint_id=one.pk, by=by),
            "Paused it.",
        )

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Resume the selected endpoints, and send what they missed."""

        def resume(endpoint: Endpoint) -> None:
            since = endpoint.failing_since or endpoint.stopped_at
            services.resume_endpoint(endpoint_id=endpoint.pk)
            if since:
                resending.send_again(endpoint_id=endpoint.pk, since=since)

        _for_each(request, queryset, resume, "Resumed it, and had sent what it missed.")

    def _show(self, request: HttpRequest, endpoint: Endpoint, secret: str) -> None:
        text = gettext("The secret of {} is <code>{}</code>. Keep it: it is not shown again.")
        messages.warning(request, format_html(text, endpoint.url, secret))


class Attempts(ReadOnly, TabularInline[Attempt, Delivery]):
    """Attempts on the page of their delivery."""

    model = Attempt
    extra = 0
    fields = readonly_fields = ("at", "status", "error", "answer", "milliseconds", "url", "headers")


@admin.register(Delivery)
class DeliveryAdmin(KeysetAdmin):
    """Events on their way to endpoints."""

    list_display = ("type", "endpoint", "aggregate_id", "state", "attempts", "due_at", "finished_at")
    list_filter = ("state", "endpoint")
    list_select_related = ("endpoint",)
    search_fields = ("event_id", "aggregate_id")
    search_help_text = _("The id of an event, or of what it is about, such as an order")
    ordering = ("-pk",)
    inlines = (Attempts,)
    actions = ("send_again",)
    action_form = OneTimeActionForm

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may send events again."""
        return request.user.has_perms(SEND)

    @admin.action(description=_("Send again"), permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send the selected events again."""
        _for_each(
            request, queryset, lambda one: resending.send_one_again(delivery_id=one.pk), "Sent it again."
        )
