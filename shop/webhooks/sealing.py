"""Encryption of what providers have sent, by the secret keys: it may name customers."""

from base64 import urlsafe_b64encode
from uuid import UUID

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


def seal(body: bytes, notice_id: UUID) -> bytes:
    """Encrypt the body of a notice."""
    return _cipher(notice_id).encrypt(body)


def open_sealed(text: bytes, notice_id: UUID) -> bytes:
    """Decrypt the body of a notice. InvalidToken if the secret key has been forgotten."""
    return _cipher(notice_id).decrypt(text)


def _cipher(notice_id: UUID) -> MultiFernet:
    return MultiFernet(
        [_fernet(key, notice_id) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _fernet(secret: str | bytes, notice_id: UUID) -> Fernet:
    mac = salted_hmac("shop.webhooks", str(notice_id), secret, algorithm="sha256")
    return Fernet(urlsafe_b64encode(mac.digest()))
