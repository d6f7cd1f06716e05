"""Settings of e-mail, from the environment."""

import os
from pathlib import Path
from typing import Any

from shop.environment import flag, listed, number, seconds

#: Backend of the simulated mail server, whose mailboxes report what becomes of mail.
SIMULATOR = "notifications.simulator.EmailBackend"


def mail_settings(folder: Path) -> dict[str, Any]:
    """Return the settings: a provider's API if one is named, else a backend of Django, such as files."""
    provider = os.environ.get("SHOP_MAIL_PROVIDER", "").lower()
    backend = os.environ.get("EMAIL_BACKEND", "notifications.mail_files.EmailBackend")
    return {
        #: Provider of e-mail: brevo, mailgun, postmark or resend; empty for EMAIL_BACKEND.
        "SHOP_MAIL_PROVIDER": provider,
        "SHOP_MAIL_API_KEY": os.environ.get("SHOP_MAIL_API_KEY", ""),
        #: Address of the provider's API, if not the usual one: another region, or a stand-in.
        "SHOP_MAIL_API_URL": os.environ.get("SHOP_MAIL_API_URL", ""),
        "SHOP_MAIL_TIMEOUT": seconds("SHOP_MAIL_TIMEOUT_SECONDS", 8),
        #: Names and passwords, as in ``name:password``, with which the provider sends webhooks; two while one
        #: is replaced by the other.
        "SHOP_MAIL_WEBHOOK_SECRETS": listed("SHOP_MAIL_WEBHOOK_SECRET"),
        #: Key with which Mailgun signs its webhooks.
        "SHOP_MAIL_WEBHOOK_SIGNING_KEY": os.environ.get("SHOP_MAIL_WEBHOOK_SIGNING_KEY", ""),
        "EMAIL_BACKEND": "notifications.anymail.backend.EmailBackend" if provider else backend,
        "EMAIL_FILE_PATH": os.environ.get("EMAIL_FILE_PATH", str(folder)),
        "EMAIL_HOST": os.environ.get("EMAIL_HOST", "localhost"),
        "EMAIL_PORT": number("EMAIL_PORT", 25),
        "EMAIL_HOST_USER": os.environ.get("EMAIL_HOST_USER", ""),
        "EMAIL_HOST_PASSWORD": os.environ.get("EMAIL_HOST_PASSWORD", ""),
        "EMAIL_USE_TLS": flag("EMAIL_USE_TLS"),
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": os.environ.get("DEFAULT_FROM_EMAIL", "shop@example.com"),
    }


def mail_webhooks() -> dict[str, str]:
    """Return the endpoint of the provider's webhooks, if there is a provider and a secret."""
    provider = os.environ.get("SHOP_MAIL_PROVIDER", "").lower()
    if not provider and os.environ.get("EMAIL_BACKEND") == SIMULATOR:
        return {"mailboxes": "notifications.mailboxes.endpoint"}
    secrets = os.environ.get("SHOP_MAIL_WEBHOOK_SECRET"), os.environ.get("SHOP_MAIL_WEBHOOK_SIGNING_KEY")
    return {provider: "notifications.anymail.webhooks.endpoint"} if provider and any(secrets) else {}
