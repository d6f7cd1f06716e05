"""System checks of e-mail through a provider's API."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string


@register("notifications")
def provider_can_be_called(**kwargs: Any) -> list[CheckMessage]:
    """Check that the provider is known and has a key, and that Anymail is installed, if there is one."""
    if not settings.SHOP_MAIL_PROVIDER:
        return []
    found: list[CheckMessage] = []
    try:
        import_string("notifications.anymail.providers.configured")()
    except ImproperlyConfigured as error:
        found.append(Error(str(error), id="notifications.E001"))
    if find_spec("anymail") is None:
        hint = "Install it: pip install --require-hashes -r requirements-mail.txt"
        found.append(
            Error("Mail goes through a provider, and Anymail is missing.", hint=hint, id="notifications.E002")
        )
    if not settings.SHOP_MAIL_API_KEY:
        hint = "Set SHOP_MAIL_API_KEY to a key of the provider's dashboard that may send mail."
        found.append(Error("The provider of mail has no key.", hint=hint, id="notifications.E003"))
    return found


@register("notifications")
def provider_can_send_notices(**kwargs: Any) -> list[CheckMessage]:
    """Check that the provider's webhooks can be verified."""
    secrets = settings.SHOP_MAIL_WEBHOOK_SECRETS or settings.SHOP_MAIL_WEBHOOK_SIGNING_KEY
    if not settings.SHOP_MAIL_PROVIDER or secrets:
        return []
    hint = "Add the webhook that the README describes, and set SHOP_MAIL_WEBHOOK_SECRET."
    return [Warning("Nobody reports which mail bounces.", hint=hint, id="notifications.W001")]


@register("notifications")
def language_of_letters_exists(**kwargs: Any) -> list[CheckMessage]:
    """Check that letters can be written in the shop's language."""
    known = [code for code, _ in settings.LANGUAGES]
    if settings.SHOP_LANGUAGE in known:
        return []
    hint = f"Set SHOP_LANGUAGE to one of {', '.join(known)}."
    return [Error(f"There are no letters in {settings.SHOP_LANGUAGE!r}.", hint=hint, id="notifications.E004")]
