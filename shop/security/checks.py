"""System checks of a deployment: what is convenient on a developer's machine and dangerous elsewhere."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.mail.backends import console, dummy, filebased, locmem
from django.utils.module_loading import import_string

from shop.security.database_roles import owner_role, running_role
from shop.security.secret_key import foreign_hosts

#: Setting of each provider, and what a simulated one does.
_PROVIDERS = {
    "SHOP_PAYMENT_GATEWAY": ("security.E101", "charges nobody"),
    "SHOP_CARRIER": ("security.E102", "carries no parcel"),
}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_UNSENT = (console.EmailBackend, dummy.EmailBackend, filebased.EmailBackend, locmem.EmailBackend)


@register(Tags.security)
def debug_is_for_local_hosts(**kwargs: Any) -> list[CheckMessage]:
    """Check that error pages with settings and source are not shown to other machines."""
    if not settings.DEBUG or not (hosts := foreign_hosts()):
        return []
    return [
        Error(
            f"DJANGO_DEBUG is set, and other machines may reach the shop as {', '.join(hosts)}.",
            hint="Unset DJANGO_DEBUG.",
            id="security.E104",
        )
    ]


@register(Tags.security, deploy=True)
def providers_are_real(**kwargs: Any) -> list[CheckMessage]:
    """Check that gateway and carrier are not the simulated ones."""
    return [
        Error(
            f"{name} is simulated and {what}.",
            hint=f"Name the class of a real one in {name}.",
            id=code,
        )
        for name, (code, what) in _PROVIDERS.items()
        if _is_simulated(getattr(settings, name))
    ]


def _is_simulated(path: str) -> bool:
    """Tell whether a class, or one that it extends, is part of a simulator."""
    try:
        provider = import_string(path)
    except ModuleNotFoundError as missing:
        if not missing.name or path.startswith(missing.name):
            raise
        return False  # the library of a real one; a check of its context says what to install
    return any("simulator" in kind.__module__.split(".") for kind in provider.__mro__)


@register(Tags.security, deploy=True)
def mail_is_sent(**kwargs: Any) -> list[CheckMessage]:
    """Check that e-mails leave this machine."""
    if settings.SHOP_MAIL_PROVIDER or not issubclass(import_string(settings.EMAIL_BACKEND), _UNSENT):
        return []
    return [
        Error(
            f"EMAIL_BACKEND is {settings.EMAIL_BACKEND}, which sends nothing.",
            hint="Set EMAIL_BACKEND=notifications.smtp.EmailBackend and EMAIL_HOST, or SHOP_MAIL_PROVIDER.",
            id="security.E103",
        )
    ]


@register(Tags.security, deploy=True)
def letters_lead_to_the_shop(**kwargs: Any) -> list[CheckMessage]:
    """Check that the links in letters do not lead to the machine of whoever reads them."""
    if urlsplit(settings.SHOP_URL).hostname not in _LOOPBACK:
        return []
    return [
        Warning(
            f"SHOP_URL is {settings.SHOP_URL}, and links in letters lead there.",
            hint="Set SHOP_URL to the address of the shop, as https://shop.example.com, for web and workers.",
            id="security.W102",
        )
    ]


@register(Tags.security, deploy=True)
def the_shop_is_not_the_owner(**kwargs: Any) -> list[CheckMessage]:
    """Check that web and workers connect as another role than the owner of the tables."""
    if owner_role() not in {"", running_role()}:
        return []
    return [
        Warning(
            "Web and workers connect to the database as the owner of its tables, who can rewrite the log.",
            hint="Use two roles: see Database roles in docs/runbook.md. Run this check where migrate runs.",
            id="security.W101",
        )
    ]
