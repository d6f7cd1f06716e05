"""Webhooks of EasyPost: its SDK verifies the signature; a notice is about a shipment at EasyPost."""

from collections.abc import Mapping

from django.conf import settings
from easypost.errors.general.easypost_error import EasyPostError
from easypost.util import validate_webhook

from shipping.events import CarrierNoticeReceived
from shop.webhooks.endpoints import Endpoint, NotGenuine, Notice

#: Events that are of use. EasyPost sends all kinds to one address.
KINDS = ("tracker.created", "tracker.updated")


def read(body: bytes, headers: Mapping[str, str]) -> Notice | None:
    """Verify a request, and return its notice; None for a kind, or a parcel, that is of no use.

    EasyPost signs no time of sending. An old request does no harm: EasyPost is asked for the present scans.

    Raises:
        NotGenuine: the signature is wrong, or the body is no event.
    """
    if not settings.EASYPOST_WEBHOOK_SECRET:
        raise NotGenuine("EASYPOST_WEBHOOK_SECRET is not set here: set it to the secret of the webhook.")
    signature = {"X-Hmac-Signature": headers.get("X-Hmac-Signature", "")}
    try:
        event = validate_webhook(body, signature, settings.EASYPOST_WEBHOOK_SECRET)
    except EasyPostError:
        raise NotGenuine(
            "The signature is wrong: compare EASYPOST_WEBHOOK_SECRET with the webhook at EasyPost."
        ) from None
    except (ValueError, TypeError):  # no JSON, or letters that no signature has
        raise NotGenuine("The request is not readable as JSON in UTF-8.") from None
    if not isinstance(event, dict):
        raise NotGenuine("The request is no event of EasyPost's.")
    return _notice_of(event)


def _notice_of(event: Mapping[str, object]) -> Notice | None:
    tracker = event.get("result")
    if event.get("description") not in KINDS or not isinstance(tracker, dict):
        return None
    shipment = tracker.get("shipment_id")
    return Notice(str(event["id"]), str(event["description"]), str(shipment)) if shipment else None


endpoint = Endpoint(read, lambda notice_id: CarrierNoticeReceived(notice_id=notice_id))
