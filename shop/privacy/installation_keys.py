"""Keys of the installation, which wrap the keys of data subjects. The first wraps, all unwrap."""

import hashlib
import os
from base64 import b64decode, b64encode
from functools import cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from shop.privacy.errors import UnknownInstallationKey

_NONCE = 12


def current_label() -> str:
    """Return the label of the key that wraps."""
    return _key(settings.SHOP_PRIVACY_KEYS[0])[0]


def labels() -> set[str]:
    """Return the labels of all keys."""
    return {_key(secret)[0] for secret in settings.SHOP_PRIVACY_KEYS}


def wrap(key: bytes, subject_id: UUID) -> tuple[str, str]:
    """Encrypt the key of a subject; return it as text, and the label of the key that wraps it."""
    label, cipher = _key(settings.SHOP_PRIVACY_KEYS[0])
    nonce = os.urandom(_NONCE)
    return b64encode(nonce + cipher.encrypt(nonce, key, subject_id.bytes)).decode(), label


def unwrap(wrapped: str, label: str, subject_id: UUID) -> bytes:
    """Decrypt the key of a subject.

    Raises:
        UnknownInstallationKey: the key that wraps it is not in SHOP_PRIVACY_KEYS.
    """
    cipher = dict(map(_key, settings.SHOP_PRIVACY_KEYS)).get(label)
    text = b64decode(wrapped)
    try:
        if cipher:
            return cipher.decrypt(text[:_NONCE], text[_NONCE:], subject_id.bytes)
    except InvalidTag:
        pass
    raise UnknownInstallationKey(
        f"the key of {subject_id} is wrapped by {label}: name it in SHOP_PRIVACY_KEYS"
    )


@cache
def _key(secret: str) -> tuple[str, AESGCM]:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"shop.privacy.wrapping").derive(secret.encode())
    return hashlib.sha256(derived).hexdigest()[:16], AESGCM(derived)
