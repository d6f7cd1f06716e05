"""Anymail's backend of Resend, with Resend's idempotency keys."""

from typing import Any

from anymail.backends import resend

from notifications.references import key_of


class EmailBackend(resend.EmailBackend):  # type: ignore[misc] # Anymail has no types
    """Backend that sends a message once within a day, however often it is asked to."""

    def build_message_payload(self, message: Any, defaults: Any) -> Any:
        """Return the payload with the message's key."""
        payload = super().build_message_payload(message, defaults)
        if message_id := message.extra_headers.get("Message-ID"):
            payload.headers["Idempotency-Key"] = key_of(message_id)
        return payload
