"""Ways of an alert to the operators."""

import json
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.mail import send_mail

#: Seconds for a webhook to answer.
TIMEOUT = 10


def send(subject: str, text: str) -> None:
    """Send a text to all addresses and to the webhook, as the settings name them.

    Raises:
        OSError: one of them did not take it.
    """
    if settings.SHOP_ALERT_EMAILS:
        send_mail(subject, text, None, settings.SHOP_ALERT_EMAILS)
    if settings.SHOP_ALERT_WEBHOOK:
        _post(settings.SHOP_ALERT_WEBHOOK, f"{subject}\n{text}")


def is_configured() -> bool:
    """Tell whether anybody is to be alerted."""
    return bool(settings.SHOP_ALERT_EMAILS or settings.SHOP_ALERT_WEBHOOK)


def _post(url: str, text: str) -> None:
    """Post a message in the form that chats take: Slack, Mattermost, Rocket.Chat, Google Chat."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise OSError("SHOP_ALERT_WEBHOOK is no address that begins with https://")
    body = json.dumps({"text": text}).encode()
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - its scheme is checked
    with urlopen(request, timeout=TIMEOUT):  # noqa: S310
        pass
