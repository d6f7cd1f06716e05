"""E-mails to those who care for endpoints."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail

from integrations.models import Endpoint

_BODY = """\
The shop sends no more webhooks to this endpoint:

    {url}

{reason}

What has happened since {since:%-d %B %Y %H:%M} UTC was perhaps not delivered. When the endpoint works again,
resume it, and have the events since then sent:

    {shop}/api/v1/webhook-endpoints/{id}/resume
    {shop}/api/v1/webhook-endpoints/{id}/send-again
"""


def tell_stopped(*, endpoint_id: UUID, stopped_at: datetime) -> None:
    """Tell the contact of an endpoint that it is stopped, unless it has been resumed meanwhile."""
    endpoint = Endpoint.objects.filter(pk=endpoint_id, stopped_at=stopped_at).first()
    if endpoint is None or endpoint.state == Endpoint.State.ENABLED:
        return
    body = _BODY.format(
        url=endpoint.url,
        reason=endpoint.reason,
        since=endpoint.failing_since or stopped_at,
        shop=settings.SHOP_URL,
        id=endpoint.pk,
    )
    send_mail("Webhooks to your endpoint are stopped", body, None, [endpoint.contact])
