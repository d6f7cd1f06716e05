"""Secrets of endpoints: made by Standard Webhooks, encrypted by the keys of the installation, shown once."""

import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

#: Beginning of every secret, by which scanners find it.
PREFIX = "whsec_"
#: Random bytes of a secret.
_LENGTH = 32


def new_secret() -> str:
    """Return a new secret, as its endpoint's owner is shown it."""
    return PREFIX + b64encode(os.urandom(_LENGTH)).decode()


def seal(secret: str, endpoint_id: UUID) -> bytes:
    """Encrypt the secret of an endpoint."""
    return _cipher(endpoint_id).encrypt(secret.encode())


def open_sealed(text: bytes | memoryview, endpoint_id: UUID) -> str:
    """Decrypt the secret of an endpoint. InvalidToken if the key of the installation is forgotten."""
    return _cipher(endpoint_id).decrypt(bytes(text)).decode()


def sealed_again(text: bytes | memoryview, endpoint_id: UUID) -> bytes:
    """Encrypt a secret by the first key of the installation, whichever it was encrypted by."""
    return _cipher(endpoint_id).rotate(bytes(text))


def signatures(secrets: Sequence[str], message_id: str, at: datetime, body: str) -> str:
    """Return the value of ``webhook-signature``: a signature by each secret."""
    return " ".join(Webhook(secret).sign(message_id, at, body) for secret in secrets)


def _cipher(endpoint_id: UUID) -> MultiFernet:
    return MultiFernet([_fernet(key, endpoint_id) for key in settings.SHOP_PRIVACY_KEYS])


def _fernet(key: str, endpoint_id: UUID) -> Fernet:
    mac = salted_hmac("integrations.secrets", str(endpoint_id), key, algorithm="sha256")
    return Fernet(urlsafe_b64encode(mac.digest()))
