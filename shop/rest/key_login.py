"""The browsable API with a bare API key: it is entered once, and the session keeps its number."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from shop.accounts.api_keys import live_keys
from shop.accounts.models import ApiKey
from shop.rest.fast.authentication import TokenAuthentication

#: Session key of the primary key of an API key. The key itself is not stored.
SESSION_KEY = "api_key"


class KeySessionAuthentication(BaseAuthentication):
    """Authentication by the API key of the session, which opens the REST API and no other page."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        """Return owner and key; None if the session has no key, or that has ended."""
        plain = request._request
        if settings.SESSION_COOKIE_NAME not in plain.COOKIES or SESSION_KEY not in plain.session:
            return None
        key = ApiKey.objects.select_related("user").filter(pk=plain.session[SESSION_KEY]).first()
        if key is None or not key.user.is_active or not live_keys(key.user).filter(pk=key.pk).exists():
            return None
        SessionAuthentication().enforce_csrf(request)
        return key.user, key


class KeyLoginForm(forms.Form):
    """An API key."""

    key = forms.CharField(
        label="API key",
        max_length=100,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
        error_messages={"required": "Enter the key."},
    )

    #: The key that was entered.
    found: ApiKey

    def clean_key(self) -> str:
        """Refuse what is no key, or has ended."""
        text: str = self.cleaned_data["key"].strip()
        try:
            _, self.found = TokenAuthentication().authenticate_credentials(text)
        except AuthenticationFailed as refusal:
            raise forms.ValidationError(str(refusal.detail)) from refusal
        return text


@sensitive_post_parameters("key")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def key_login(request: HttpRequest) -> HttpResponse:
    """Ask for a key, and open the browsable API with it, in a new session."""
    form = KeyLoginForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        request.session.flush()
        request.session[SESSION_KEY] = form.found.pk
        return redirect("api")
    return render(request, "rest/key_login.html", {"form": form}, status=422 if form.errors else 200)


class KeySessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Leave the sessions of the browsable API out of the OpenAPI document: programs send their key."""

    target_class = KeySessionAuthentication
    name: list[str] = []

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Return no requirement."""
        return []

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Return no security scheme."""
        return []
