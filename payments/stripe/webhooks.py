"""Webhooks of Stripe: signature and age are verified by its SDK; a notice is about an intent or a session."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings

from payments.events import ProviderNoticeReceived
from payments.stripe.client import PAGE, events
from payments.stripe.failures import translated
from shop.webhooks.endpoints import Endpoint, NotConfigured, NotGenuine, Notice

#: Seconds after which a request is too old: Stripe signs the time of sending.
TOLERANCE = 300
#: Events of use; Stripe lists no more than 20 kinds at once. README names them for the dashboard.
KINDS = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "charge.refunded",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
)

_OLD = f"The notice was sent more than {TOLERANCE} seconds ago: Stripe sends it again by itself."
_FORGED = "The signature is wrong: compare STRIPE_WEBHOOK_SECRET with the endpoint at Stripe."


def read(body: bytes, headers: Mapping[str, str]) -> Notice | None:
    """Verify a request, and return its notice; None for a kind that is of no use.

    Raises:
        NotConfigured: STRIPE_WEBHOOK_SECRET is not set.
        NotGenuine: the signature is wrong, or the request too old.
    """
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise NotConfigured
    errors = [
        _refusal(body, headers.get("Stripe-Signature", ""), one) for one in settings.STRIPE_WEBHOOK_SECRETS
    ]
    if all(errors):
        raise NotGenuine(errors[0])
    return notice_of(json.loads(body))


def _refusal(body: bytes, header: str, secret: str) -> str:
    """Return the reason why a request is not genuine; empty if it is."""
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE)
    except stripe.SignatureVerificationError as error:
        return _OLD if "tolerance" in str(error) else _FORGED
    except (ValueError, TypeError):  # letters that no signature has
        return "The request is not readable as text in UTF-8."
    return ""


def notice_of(event: Mapping[str, Any]) -> Notice | None:
    """Return the notice that an event is, about its session or PaymentIntent; None if it is of no use."""
    if event.get("type") not in KINDS:
        return None
    made = event["data"]["object"]
    is_itself = made["object"] in {"payment_intent", "checkout.session"}
    about = made["id"] if is_itself else made.get("payment_intent")
    return Notice(event["id"], event["type"], about) if about else None


def since(moment: datetime) -> Iterator[tuple[Notice, bytes]]:
    """Yield the notices, with their bodies, that Stripe has made since a moment. It keeps 30 days."""
    with translated():
        params: Any = {"created": {"gte": int(moment.timestamp())}, "types": list(KINDS), "limit": PAGE}
        for event in events().list(params).auto_paging_iter():
            said = event.to_dict()
            if notice := notice_of(said):
                yield notice, json.dumps(said).encode()


endpoint = Endpoint(read, lambda notice_id: ProviderNoticeReceived(notice_id=notice_id))
