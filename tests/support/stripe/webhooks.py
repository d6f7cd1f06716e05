"""Requests of the stand-in to the shop's webhook, by a test client."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.support.stripe.events import WEBHOOK_SECRET, signed

URL = "/providers/stripe/webhook"


def post(
    client: Client,
    event: dict[str, Any] | None = None,
    *,
    at: float | None = None,
    secret: str = WEBHOOK_SECRET,
    body: bytes = b"",
    header: str | None = None,
) -> HttpResponse:
    """Send an event, signed as said, or a body with a header of one's own."""
    if event:
        body, header = signed(event, at=at, secret=secret)
    headers = {"Stripe-Signature": header or ""}
    return client.post(URL, body, content_type="application/json; charset=utf-8", headers=headers)
