"""Page of a consumer: its flow, and its pause by hand."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from shop import journal
from shop.messaging.consuming import Consumer, consumers, pauses
from shop.messaging.errors import CannotPause
from shop.messaging.models import Circuit
from shop.messaging.operations import flow
from shop.messaging.operations.paused import paused_consumers

VIEW, PAUSE = "messaging.view_workernode", "messaging.pause_circuit"


class PauseForm(forms.Form):
    """Form of a pause: its reason and, if it is known, its end."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("Everybody who meets the pause reads it.")
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = timezone.get_current_timezone_name()
        self.fields["until"].help_text = gettext(
            "It resumes by itself then ({zone}); empty: until it is resumed."
        ).format(zone=zone)


@require_http_methods(["GET", "POST"])
def consumer_page(request: HttpRequest, consumer: str) -> HttpResponse:
    """Show a consumer; pause or resume it as posted."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    found = next((one for one in consumers() if one.name == consumer), None)
    if found is None:
        raise Http404(f"There is no consumer {consumer}.")
    form = PauseForm(request.POST if request.POST.get("action") == "pause" else None)
    if request.method == "POST" and _act(request, consumer, form):
        return HttpResponseRedirect(request.path)
    return TemplateResponse(request, "console/consumer.html", _context(request, found, form))


def _act(request: HttpRequest, name: str, form: PauseForm) -> bool:
    """Do what is posted; return False if the form is to be shown again."""
    if not request.user.has_perm(PAUSE):
        raise PermissionDenied
    try:
        if request.POST.get("action") == "resume":
            _resume(request, name)
            return True
        if form.is_valid():
            _pause(request, name, **form.cleaned_data)
            return True
    except CannotPause as error:
        form.add_error(None, str(error)) if form.is_bound else messages.error(request, str(error))
    return not form.is_bound


def _pause(request: HttpRequest, name: str, reason: str, until: Any) -> None:
    with transaction.atomic():
        circuit = pauses.pause(name, by=request.user.get_username(), reason=reason, until=until)
        journal.record(request, circuit, f"Paused the consumer: {reason}")
    messages.success(
        request, gettext("{name} is paused. Its events wait, and none is lost.").format(name=name)
    )


def _resume(request: HttpRequest, name: str) -> None:
    with transaction.atomic():
        pauses.resume(name)
        journal.record(request, Circuit(consumer=name), "Resumed the consumer.")
    messages.success(
        request,
        gettext("{name} resumes: the oldest event goes first, the others follow it.").format(name=name),
    )


def _context(request: HttpRequest, consumer: Consumer, form: PauseForm) -> dict[str, Any]:
    paused = {one.consumer: one for one in paused_consumers()}
    return {
        **admin.site.each_context(request),
        "title": consumer.name,
        "type": consumer.event.type,
        "queue": consumer.queue,
        "flow": flow.flows().get(consumer.name, flow.ConsumerFlow()),
        "paused": paused.get(consumer.name),
        "may_pause": request.user.has_perm(PAUSE),
        "form": form,
    }
