"""E-mails to those who care for endpoints."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from integrations.models import Endpoint
from shop.moments import shown
from shop.stored_texts import translated

_SUBJECT = gettext_noop("Webhooks to your endpoint are stopped")
_BODY = gettext_noop("""\
The shop sends no more webhooks to this endpoint:

    {url}

{reason}

What has happened since {since} was perhaps not delivered. When the endpoint works again,
resume it, and have the events since then sent:

    {shop}/api/v1/webhook-endpoints/{id}/resume
    {shop}/api/v1/webhook-endpoints/{id}/send-again
""")


def tell_stopped(*, endpoint_id: UUID, stopped_at: datetime) -> None:
    """Tell the contact of an endpoint that it is stopped, unless it has been resumed meanwhile."""
    endpoint = Endpoint.objects.filter(pk=endpoint_id, stopped_at=stopped_at).first()
    if endpoint is None or endpoint.state == Endpoint.State.ENABLED:
        return
    with translation.override(settings.SHOP_LANGUAGE):
        body = gettext(_BODY).format(
            url=endpoint.url,
            reason=translated(endpoint.reason),
            since=shown(endpoint.failing_since or stopped_at),
            shop=settings.SHOP_URL,
            id=endpoint.pk,
        )
        send_mail(gettext(_SUBJECT), body, None, [endpoint.contact])
