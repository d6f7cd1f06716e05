"""Page on which an operator chooses a time zone."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shop.accounts import time_zones


class ZoneForm(forms.Form):
    """Form of the choice."""

    zone = forms.ChoiceField(label=_("Time zone"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(
            request.POST or None, initial={"zone": request.session.get(time_zones.SESSION_KEY, "")}
        )
        guess = time_zones.guessed(request) or "UTC"
        names = sorted(time_zones.zones())
        field = self.fields["zone"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [
            ("", gettext("That of the browser ({guess})").format(guess=guess)),
            *((name, name) for name in names),
        ]


def time_zone_page(request: HttpRequest) -> HttpResponse:
    """Ask for the zone, and keep it with the account."""
    form = ZoneForm(request)
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)  # noqa: S101 - the page is for staff
        time_zones.choose(request, request.user, form.cleaned_data["zone"])
        messages.success(
            request, gettext("Times are shown in {zone_of}.").format(zone_of=time_zones.zone_of(request))
        )
        return HttpResponseRedirect(request.path)
    context = {**admin.site.each_context(request), "title": gettext("Time zone"), "form": form}
    return TemplateResponse(request, "admin/time_zone.html", context)
