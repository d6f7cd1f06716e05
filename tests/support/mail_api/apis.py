"""The providers' APIs: what a message looks like to each, and what each answers."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

API_KEY = "key_of_the_stand_in"


@dataclass
class Sent:
    """A message as the provider has taken it."""

    id: str
    to: str
    subject: str
    headers: dict[str, str]
    metadata: dict[str, str]
    text: str
    html: str
    #: Key under which the provider takes a message once; empty if it knows no such keys.
    key: str = ""


class Api:
    """Part that all APIs have in common: keys, and errors about no message in particular."""

    path: str
    #: Bodies of answers by status.
    errors: dict[int, dict[str, Any]]

    def authorization(self) -> tuple[str, str]:
        return "Authorization", f"Bearer {API_KEY}"

    def read(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        raise NotImplementedError

    def accepted(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError

    def refused(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError

    def known(self, sent: Sent, first: Sent) -> tuple[int, dict[str, Any]]:
        """Answer a message under a key that was used before."""
        return self.accepted(first)


class Postmark(Api):
    """Postmark."""

    path = "/postmark/email"
    errors = {
        401: {"ErrorCode": 10, "Message": "No Account or Server API tokens were supplied."},
        422: {
            "ErrorCode": 400,
            "Message": "The 'From' address (rose@example.com) is not a Sender.",
        },
        429: {"ErrorCode": 429, "Message": "Rate limit exceeded"},
        500: {"ErrorCode": 0, "Message": "Internal Server Error"},
    }

    def authorization(self) -> tuple[str, str]:
        return "X-Postmark-Server-Token", API_KEY

    def read(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        said = json.loads(body)
        own = {header["Name"]: header["Value"] for header in said.get("Headers", [])}
        if own.get("X-PM-KeepID") != "true":
            own.pop("Message-ID", None)
        address, metadata = parseaddr(said["To"])[1], said.get("Metadata", {})
        assert all(len(name) <= 20 and len(value) <= 80 for name, value in metadata.items())
        return Sent(
            str(uuid4()), address, said["Subject"], own, metadata, said["TextBody"], said.get("HtmlBody", "")
        )

    def accepted(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        return 200, {"ErrorCode": 0, "Message": "OK", "MessageID": sent.id, "To": sent.to}

    def refused(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        words = (
            "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: "
            f"{sent.to}. Inactive recipients are ones that have generated a hard bounce or a spam complaint."
        )
        return 422, {"ErrorCode": 406, "Message": words}


class Mailgun(Api):
    """Mailgun."""

    path = "/mailgun/example.com/messages"
    errors = {
        401: {"message": "Forbidden"},
        422: {"message": "from parameter is not a valid address. please check documentation"},
        429: {"message": "Too many requests"},
        500: {"message": "Internal Server Error"},
    }

    def authorization(self) -> tuple[str, str]:
        return "Authorization", "Basic " + b64encode(f"api:{API_KEY}".encode()).decode()

    def read(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        said = dict(parse_qsl(body.decode()))
        own = {name[2:]: value for name, value in said.items() if name.startswith("h:")}
        metadata = {name[2:]: value for name, value in said.items() if name.startswith("v:")}
        address = parseaddr(said["to"])[1]
        return Sent(
            own.get("Message-Id", ""),
            address,
            said["subject"],
            own,
            metadata,
            said["text"],
            said.get("html", ""),
        )

    def accepted(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        return 200, {"id": sent.id, "message": "Queued. Thank you."}

    def refused(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        return 400, {"message": f"to parameter is not a valid address: {sent.to}. please check documentation"}


class Brevo(Api):
    """Brevo, which takes a message under a key once within half an hour."""

    path = "/brevo/smtp/email"
    errors = {
        401: {"code": "unauthorized", "message": "Key not found"},
        422: {"code": "invalid_parameter", "message": "sender rose@example.com is not valid"},
        429: {"code": "too_many_requests", "message": "Too many requests"},
        500: {"code": "internal_error", "message": "Internal Server Error"},
    }

    def authorization(self) -> tuple[str, str]:
        return "api-key", API_KEY

    def read(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        said = json.loads(body)
        own = said.get("headers", {})
        key = own.pop("idempotencyKey", "")
        metadata = json.loads(own.pop("X-Mailin-custom", "{}"))
        address, own_id = said["to"][0]["email"], f"<{uuid4()}@smtp-relay.mailin.fr>"
        return Sent(
            own_id,
            address,
            said["subject"],
            own,
            metadata,
            said["textContent"],
            said.get("htmlContent", ""),
            key,
        )

    def accepted(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        return 201, {"messageId": sent.id}

    def refused(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        return 400, {"code": "invalid_parameter", "message": f"email {sent.to} is not valid in to"}

    def known(self, sent: Sent, first: Sent) -> tuple[int, dict[str, Any]]:
        return 400, {"code": "duplicate_request", "message": "The idempotency key was used already"}


class Resend(Api):
    """Resend, which takes a message under a key once within a day, and refuses another one under it."""

    path = "/resend/emails"
    errors = {
        401: {"statusCode": 401, "name": "restricted_api_key", "message": "API key is restricted"},
        422: {
            "statusCode": 422,
            "name": "validation_error",
            "message": "Invalid `from`: rose@example.com",
        },
        429: {"statusCode": 429, "name": "rate_limit_exceeded", "message": "Too many requests"},
        500: {"statusCode": 500, "name": "application_error", "message": "Unexpected error"},
    }

    def read(self, body: bytes, headers: Mapping[str, str]) -> Sent:
        said = json.loads(body)
        own = said.get("headers", {})
        metadata = json.loads(own.pop("X-Metadata", "{}"))
        address, key = parseaddr(said["to"][0])[1], headers.get("Idempotency-Key", "")
        return Sent(
            str(uuid4()), address, said["subject"], own, metadata, said["text"], said.get("html", ""), key
        )

    def accepted(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        return 200, {"id": sent.id}

    def refused(self, sent: Sent) -> tuple[int, dict[str, Any]]:
        words = f"Invalid `to` field: {sent.to}. The email address needs to follow the format."
        return 422, {"statusCode": 422, "name": "validation_error", "message": words}

    def known(self, sent: Sent, first: Sent) -> tuple[int, dict[str, Any]]:
        if (sent.to, sent.text) == (first.to, first.text):
            return self.accepted(first)
        words = "Same idempotency key used with a different request payload."
        return 409, {"statusCode": 409, "name": "invalid_idempotent_request", "message": words}


APIS: dict[str, Api] = {"postmark": Postmark(), "mailgun": Mailgun(), "brevo": Brevo(), "resend": Resend()}
