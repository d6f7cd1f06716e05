"""Ed25519 keys of the log's roots: ``SHOP_LOG_KEY`` signs, former public keys still verify."""

from __future__ import annotations

from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

#: Bytes of a private key, and of a public one.
KEY_LENGTH = 32


def new_key() -> tuple[str, str]:
    """Return a new private key and its public key, in hexadecimal digits."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes_raw().hex(), key.public_key().public_bytes_raw().hex()


def sign(text: str) -> bytes:
    """Return the signature over a text, by ``SHOP_LOG_KEY``."""
    return _private_key(settings.SHOP_LOG_KEY).sign(text.encode())


def public_key() -> str:
    """Return the public key of ``SHOP_LOG_KEY`` in hexadecimal digits; an empty string if it is not set."""
    if not settings.SHOP_LOG_KEY:
        return ""
    return _private_key(settings.SHOP_LOG_KEY).public_key().public_bytes_raw().hex()


def known_public_keys() -> list[str]:
    """Return the public keys whose signatures are valid: the present one and former ones."""
    return [key for key in (public_key(), *settings.SHOP_LOG_FORMER_PUBLIC_KEYS) if key]


def is_signed(text: str, signature: bytes, key: str) -> bool:
    """Return whether the owner of a public key has signed the text."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


@cache
def _private_key(digits: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(digits))
