"""Providers of e-mail that the shop knows how to ask, and what differs between them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

_NO_WORDS = re.compile(r"(?!)")


def _none(key: str) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of e-mail, as Anymail knows it."""

    #: Name, as in messages to operators.
    name: str
    #: Name of its module in Anymail.
    module: str
    #: Path of the backend, and the argument that takes the key of the API.
    backend: str
    key: str
    #: Class of the webhooks in Anymail's module.
    webhooks: str
    #: Words of an answer 400 or 422 that refuse the recipient, and not the sender or the account.
    refuses: re.Pattern[str] = _NO_WORDS
    #: Beginning of the code with which it answers a message that it has accepted already.
    known: str = ""
    #: Headers that keep the Message-ID, or keep a copy from being sent, by the message's key.
    headers: Callable[[str], Mapping[str, str]] = _none
    #: It signs its webhooks. The others send a name and a password.
    signs: bool = False
    #: Kinds of notices, in the provider's words, of a failure that may pass, such as a full mailbox.
    passing: frozenset[str] = frozenset()

    def connect(self) -> Any:
        """Return Anymail's backend, by the settings."""
        options = {
            self.key: settings.SHOP_MAIL_API_KEY,
            "timeout": settings.SHOP_MAIL_TIMEOUT.total_seconds(),
        }
        if settings.SHOP_MAIL_API_URL:
            options["api_url"] = settings.SHOP_MAIL_API_URL
        return import_string(self.backend)(**options)


def _backend(module: str) -> str:
    return f"anymail.backends.{module}.EmailBackend"


PROVIDERS = {
    "brevo": Provider(
        "Brevo", "brevo", _backend("brevo"), "api_key", "BrevoTrackingWebhookView",
        refuses=re.compile(r"\bin to\b|^to\b"), known="duplicate",
        # It takes UUIDs alone.
        headers=lambda key: {"idempotencyKey": str(uuid5(NAMESPACE_URL, key))},
        passing=frozenset({"soft_bounce"}),
    ),
    "mailgun": Provider(
        "Mailgun", "mailgun", _backend("mailgun"), "api_key", "MailgunTrackingWebhookView",
        refuses=re.compile(r"\bto\b'? parameter"), signs=True,
    ),
    "postmark": Provider(
        "Postmark", "postmark", _backend("postmark"), "server_token", "PostmarkTrackingWebhookView",
        headers=lambda key: {"X-PM-KeepID": "true"}, passing=frozenset({"SoftBounce"}),
    ),
    "resend": Provider(
        "Resend", "resend", "notifications.anymail.resend.EmailBackend", "api_key",
        "ResendTrackingWebhookView",
        refuses=re.compile(r"`to`"), known="invalid_idempotent_request", passing=frozenset({"Transient"}),
    ),
}  # fmt: skip


def configured() -> Provider:
    """Return the provider of the settings."""
    provider = PROVIDERS.get(settings.SHOP_MAIL_PROVIDER)
    if provider is None:
        raise ImproperlyConfigured(
            f"SHOP_MAIL_PROVIDER is {settings.SHOP_MAIL_PROVIDER!r}: set it to one of {', '.join(PROVIDERS)}."
        )
    return provider
