"""Webhooks of providers: Anymail verifies and reads them; a notice is about one of our messages."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from anymail.signals import EventType
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from notifications.anymail.providers import PROVIDERS, Provider, configured
from notifications.events import MailNoticeReceived
from notifications.models import Report
from notifications.references import from_metadata
from notifications.reports import MailReport
from shop.messaging.errors import without_nul
from shop.webhooks.endpoints import Endpoint, NotConfigured, NotGenuine, Notice, StoredNotice

#: Age from which a notice that Mailgun has signed is refused. Its signature is good for any body, but for one
#: alone while notices are kept; it tries for eight hours.
OLDEST = timedelta(days=1)

#: Anymail's types of events that are of use. Who opens a message is nobody's business.
KINDS = {
    EventType.DELIVERED: Report.DELIVERED,
    EventType.BOUNCED: Report.BOUNCED,
    EventType.REJECTED: Report.BOUNCED,
    EventType.FAILED: Report.FAILED,
    EventType.COMPLAINED: Report.COMPLAINED,
}
#: Errors of Anymail about a body of another shape.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
_FORGED = "Name and password, or the signature, are wrong: compare SHOP_MAIL_WEBHOOK_SECRET and \
SHOP_MAIL_WEBHOOK_SIGNING_KEY with the webhook at the provider."


def read(body: bytes, headers: Mapping[str, str]) -> Notice | None:
    """Verify a request, and return its notice; None for an event, or a message, that is of no use.

    Raises:
        NotConfigured: there is nothing to verify it by.
        NotGenuine: it does not come from the provider, is too old, or no event.
    """
    provider = configured()
    view, request = _view(provider), _request(body, headers)
    try:
        view.run_validators(request)
    except (AnymailWebhookValidationFailure, *_UNREADABLE):
        raise NotGenuine(_FORGED) from None
    try:
        event = _only_event(view, request)
    except AnymailConfigurationError as error:  # another kind of webhook, as of incoming mail
        raise NotGenuine(str(error)) from None
    except _UNREADABLE:
        raise NotGenuine(f"The request is no event of {provider.name}'s.") from None
    _check_age(provider, body)
    reference = from_metadata(event.metadata)
    if event.event_type not in KINDS or reference is None:
        return None
    return Notice(_id_of(event), event.event_type, f"{reference.message} {reference.order_id}")


def report_of(notice: StoredNotice) -> MailReport | None:
    """Return what a stored notice reports."""
    provider = PROVIDERS[notice.provider]
    event = _only_event(_view(provider), _request(notice.body, {}))
    reference = from_metadata(event.metadata)
    if reference is None:
        return None
    report = KINDS[event.event_type]
    passes = bool(_words_for_the_kind(event.esp_event) & provider.passing)
    return MailReport(
        reference=reference,
        report=report,
        address=event.recipient or "",
        at=event.timestamp or notice.received_at,
        detail=without_nul(event.mta_response or event.description or ""),
        is_final=report in {Report.BOUNCED, Report.COMPLAINED} and not passes,
    )


def _view(provider: Provider) -> Any:
    """Return Anymail's view, which verifies and reads."""
    options: dict[str, Any] = {"webhook_secret": settings.SHOP_MAIL_WEBHOOK_SECRETS}
    if provider.signs:
        options["webhook_signing_key"] = settings.SHOP_MAIL_WEBHOOK_SIGNING_KEY
    if not (settings.SHOP_MAIL_WEBHOOK_SIGNING_KEY if provider.signs else settings.SHOP_MAIL_WEBHOOK_SECRETS):
        raise NotConfigured
    return import_string(f"anymail.webhooks.{provider.module}.{provider.webhooks}")(**options)


def _request(body: bytes, headers: Mapping[str, str]) -> WSGIRequest:
    """Return a request as Anymail expects it. Only JSON is read, not the forms of former times."""
    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return WSGIRequest(
        {
            **given,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
    )


def _only_event(view: Any, request: WSGIRequest) -> Any:
    (event,) = view.parse_events(request)
    return event


def _id_of(event: Any) -> str:
    """Return the provider's id of an event, or a digest of what tells it from others."""
    if event.event_id:
        return str(event.event_id)[:255]
    parts = (event.event_type, event.message_id, event.recipient, event.timestamp)
    return sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _check_age(provider: Provider, body: bytes) -> None:
    if not provider.signs:
        return
    signed_at = datetime.fromtimestamp(float(json.loads(body)["signature"]["timestamp"]), UTC)
    if timezone.now() - signed_at > OLDEST:
        raise NotGenuine(f"The notice was signed more than {OLDEST.days} day ago.")


def _words_for_the_kind(said: Mapping[str, Any]) -> set[str]:
    """Return the provider's own words for the kind of an event."""
    bounce = said.get("data", {}).get("bounce", {}) if isinstance(said.get("data"), dict) else {}
    return {str(word) for word in (said.get("Type"), said.get("event"), bounce.get("type"))}


endpoint = Endpoint(read, lambda notice_id: MailNoticeReceived(notice_id=notice_id))
