"""Keys of data subjects, and the cache of them in a process."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from shop.ids import uuid7
from shop.postgres.combined_selects import Select, fetch, fetched_along
from shop.privacy.errors import UnknownSubject
from shop.privacy.installation_keys import unwrap, wrap

#: Keys that a process remembers at the most; the oldest go first.
CACHE_SIZE = 20_000

_FIELDS = "id, account_id, wrapped_key, wrapped_by, forgotten_at IS NOT NULL AS forgotten"
#: Makes the subject of an account on first use. A function, because a SELECT takes part in a combined one.
_OF_ACCOUNT = f"SELECT {_FIELDS} FROM privacy_subject_of_account(%s, %s, %s, %s)"  # noqa: S608
_BY_ID = f"SELECT {_FIELDS} FROM privacy_datasubject WHERE id = ANY(%b::uuid[])"  # noqa: S608


@dataclass(frozen=True, slots=True)
class DataKey:
    """Key of a data subject; without a secret if the subject is forgotten."""

    subject_id: UUID
    account_id: int | None
    secret: bytes | None
    _ciphers: dict[str, AESGCM] = field(default_factory=dict)

    def cipher(self, purpose: str) -> AESGCM:
        """Return the cipher for facts of a purpose. Ciphers of different purposes have unrelated keys."""
        known = self._ciphers.get(purpose)
        if known is None:
            assert self.secret is not None, "the subject is forgotten"  # noqa: S101 - callers look first
            info = f"shop.privacy.{purpose}".encode()
            derived = HKDF(SHA256(), length=32, salt=None, info=info).derive(self.secret)
            known = self._ciphers[purpose] = AESGCM(derived)
        return known


class Fetched(Protocol):
    """A key that is there once the block's first query has run."""

    @property
    def result(self) -> DataKey:
        """Return the key."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    result: DataKey


class _Cache:
    """Keys by subject and by account, each for the lifetime of SHOP_DATA_KEY_LIFETIME."""

    def __init__(self) -> None:
        self._keys: dict[UUID | int, tuple[float, DataKey]] = {}

    def get(self, name: UUID | int) -> DataKey | None:
        """Return a key that is younger than its lifetime."""
        until, key = self._keys.get(name, (0.0, None))
        return key if time.monotonic() < until else None

    def put(self, key: DataKey) -> None:
        """Remember a key, from the time at which it was read."""
        until = time.monotonic() + settings.SHOP_DATA_KEY_LIFETIME.total_seconds()
        for name in (key.subject_id, key.account_id):
            if name is not None:
                self._keys.pop(name, None)  # moves it to the end
                self._keys[name] = (until, key)
        while len(self._keys) > CACHE_SIZE:
            self._keys.pop(next(iter(self._keys)), None)

    def clear(self) -> None:
        """Forget all keys."""
        self._keys.clear()


cache = _Cache()


@contextmanager
def key_for_account(account_id: int) -> Iterator[Fetched]:
    """Provide the key of an account, made on first use: from the cache, or with the block's first query."""
    if known := cache.get(account_id):
        yield _Known(known)
        return
    subject_id = uuid7()
    new = wrap(AESGCM.generate_key(256), subject_id)
    select = Select(_OF_ACCOUNT, [account_id, subject_id, *new], lambda rows: _remembered(rows)[0])
    with fetched_along(select) as companion:
        yield companion


def keys_of(subject_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
    """Return the keys of subjects, in one statement for those that the process does not remember.

    Raises:
        UnknownSubject: there is no such subject.
    """
    keys = {subject_id: key for subject_id in subject_ids if (key := cache.get(subject_id))}
    if missing := set(subject_ids) - keys.keys():
        keys |= {key.subject_id: key for key in fetch(Select(_BY_ID, [list(missing)], _remembered))}
    if unknown := set(subject_ids) - keys.keys():
        raise UnknownSubject(f"no key of the data subject {min(unknown)} is known")
    return keys


def _remembered(rows: list[dict[str, Any]]) -> list[DataKey]:
    """Read keys, and remember them once their rows are certain to stay."""
    keys = [_read(row) for row in rows]
    for key in keys:
        transaction.on_commit(_putting(key))
    return keys


def _putting(key: DataKey) -> Callable[[], None]:
    return lambda: cache.put(key)


def _read(row: dict[str, Any]) -> DataKey:
    subject_id = UUID(row["id"])
    forgotten = row["forgotten"]
    secret = None if forgotten else unwrap(row["wrapped_key"], row["wrapped_by"], subject_id)
    return DataKey(subject_id, row["account_id"], secret)
