"""Webhooks of providers, after their public references: bodies, and headers that prove them."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.support.mail_api.apis import Sent

SECRET, SIGNING_KEY = "shop:secret of the webhook", "signing key of the stand-in"
WORDS = "550 5.1.1 no such mailbox"


@dataclass
class Webhook:
    """A request of the provider."""

    provider: str
    body: dict[str, Any]
    #: Time at which it is sent, for signatures.
    sent_at: datetime
    event_id: str = ""
    secret: str = SECRET
    signing_key: str = SIGNING_KEY

    @property
    def url(self) -> str:
        return f"/providers/{self.provider}/webhook"

    def encoded(self) -> bytes:
        if self.provider == "mailgun":
            timestamp = str(int(self.sent_at.timestamp()))
            signed = hmac.new(self.signing_key.encode(), (timestamp + self.event_id).encode(), hashlib.sha256)
            signature = {"timestamp": timestamp, "token": self.event_id, "signature": signed.hexdigest()}
            return json.dumps({"signature": signature, "event-data": self.body}).encode()
        return json.dumps(self.body).encode()

    def headers(self) -> dict[str, str]:
        proof = {"Authorization": "Basic " + b64encode(self.secret.encode()).decode()}
        return proof | ({"svix-id": self.event_id} if self.provider == "resend" else {})


def webhook(provider: str, kind: str, sent: Sent, at: datetime | None = None) -> Webhook:
    """Return what a provider sends of a message: delivered, bounced, full (a soft bounce) or complained."""
    at = at or datetime.now(UTC)
    return Webhook(provider, _BODIES[provider](kind, sent, at), at, event_id=uuid4().hex)


def _postmark(kind: str, sent: Sent, at: datetime) -> dict[str, Any]:
    common = {"MessageID": sent.id, "Metadata": sent.metadata, "Tag": "", "ServerID": 1}
    if kind == "delivered":
        times = {"DeliveredAt": at.isoformat(), "Recipient": sent.to, "Details": "250 OK"}
        return common | times | {"RecordType": "Delivery"}
    record, word = {
        "bounced": ("Bounce", "HardBounce"),
        "full": ("Bounce", "SoftBounce"),
        "complained": ("SpamComplaint", "SpamComplaint"),
    }[kind]
    said = {"RecordType": record, "Type": word, "ID": uuid4().int % 10**9, "Email": sent.to}
    return common | said | {"BouncedAt": at.isoformat(), "Details": WORDS}


def _mailgun(kind: str, sent: Sent, at: datetime) -> dict[str, Any]:
    word = {"delivered": "delivered", "complained": "complained"}.get(kind, "failed")
    said: dict[str, Any] = {
        "event": word,
        "timestamp": at.timestamp(),
        "recipient": sent.to,
        "message": {"headers": {"message-id": sent.id.strip("<>")}},
        "user-variables": sent.metadata,
        "delivery-status": {"message": WORDS},
    }
    severity = {"bounced": "permanent", "full": "temporary"}.get(kind)
    return said | ({"severity": severity, "reason": "bounce"} if severity else {})


def _brevo(kind: str, sent: Sent, at: datetime) -> dict[str, Any]:
    word = {"bounced": "hard_bounce", "full": "soft_bounce", "complained": "spam"}.get(kind, kind)
    return {
        "event": word,
        "email": sent.to,
        "ts_epoch": int(at.timestamp() * 1000),
        "message-id": sent.id,
        "reason": WORDS,
        "X-Mailin-custom": json.dumps(sent.metadata),
    }


def _resend(kind: str, sent: Sent, at: datetime) -> dict[str, Any]:
    data: dict[str, Any] = {
        "email_id": sent.id,
        "to": [sent.to],
        "headers": [{"name": "X-Metadata", "value": json.dumps(sent.metadata)}],
    }
    if kind in {"bounced", "full"}:
        data["bounce"] = {"message": WORDS, "type": "Permanent" if kind == "bounced" else "Transient"}
    word = {"full": "bounced"}.get(kind, kind)
    return {"type": f"email.{word}", "created_at": at.isoformat(), "data": data}


_BODIES: dict[str, Callable[[str, Sent, datetime], dict[str, Any]]] = {
    "postmark": _postmark,
    "mailgun": _mailgun,
    "brevo": _brevo,
    "resend": _resend,
}
