"""Signing keys: the first signs, all verify."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

#: Shortest key in bytes: the length of the HMAC.
SHORTEST_KEY = 32

_DERIVATION = b"shop.messaging.signing"


class Keyring:
    """The keys, by their ids."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) < SHORTEST_KEY for key in keys):
            raise ImproperlyConfigured(f"A signing key has at least {SHORTEST_KEY} bytes.")
        # A copy of a state that has taken the key saves a third of the time.
        self._states = {_key_id(key): hmac.new(key, digestmod="sha256") for key in reversed(keys)}
        self._first = _key_id(keys[0])

    def sign(self, message: str) -> str:
        """Return the signature of ``message`` by the first key."""
        return self._signature(self._first, message)

    def verifies(self, signature: object, message: str) -> bool:
        """Return whether one of the keys has signed ``message``. The signature may be anything."""
        if not isinstance(signature, str) or not signature.isascii():
            return False
        key_id = signature.partition(".")[0]
        return key_id in self._states and hmac.compare_digest(signature, self._signature(key_id, message))

    def _signature(self, key_id: str, message: str) -> str:
        state = self._states[key_id].copy()
        state.update(message.encode())
        return f"{key_id}.{state.hexdigest()}"


@cache
def keyring() -> Keyring:
    """Return the keys of ``SHOP_SIGNING_KEYS``, or else those derived from Django's secret keys."""
    if settings.SHOP_SIGNING_KEYS:
        return Keyring([key.encode() for key in settings.SHOP_SIGNING_KEYS])
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return Keyring([hmac.digest(secret.encode(), _DERIVATION, "sha256") for secret in secrets])


@receiver(setting_changed)
def _forget(**kwargs: object) -> None:
    """Read the keys again; settings change in tests alone."""
    keyring.cache_clear()


def _key_id(key: bytes) -> str:
    """Return a short id that tells keys apart, and nothing about the key."""
    return hashlib.sha256(_DERIVATION + b" id " + key).hexdigest()[:8]
