"""Signatures of EasyPost's webhooks, after its public reference."""

import hashlib
import hmac
import unicodedata


def signature_of(body: bytes, secret: str) -> str:
    """Return the header X-Hmac-Signature."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"
