"""Sealing of personal facts for events, and opening of them, a batch at a time."""

import os
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from typing import Any, Protocol, Self, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag

from shop.messaging.contracts import Event, Fact, Seals, clear_text, seals_of
from shop.privacy.data_keys import DataKey, keys_of
from shop.privacy.errors import SealBroken
from shop.privacy.models import DataSubject

#: The purpose of what any context may open.
PERSONAL = "personal"
_NONCE = 12


class Erasable(Protocol):
    """Facts that exist without a person, too."""

    @classmethod
    def erased(cls) -> Self:
        """Return the facts without the person."""
        ...

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self:
        """Parse the facts."""
        ...


F = TypeVar("F", bound=Erasable)


def sealed(kind: type[Event], key: DataKey | None, **facts: Fact) -> dict[str, Any]:
    """Return the subject and the sealed fields of a new event of this class.

    Without a key, or with that of a forgotten subject, the fields are empty: they open as erased facts.
    """
    if key is None or key.secret is None:
        return {"subject_id": key and key.subject_id, **dict.fromkeys(facts, "")}
    return {
        "subject_id": key.subject_id,
        **{name: _seal(kind, key, name, seals_of(kind)[name], value) for name, value in facts.items()},
    }


def open_sealed(events: Sequence[Event], facts: type[F]) -> list[F]:
    """Open facts of events of one class; those of a forgotten subject come erased.

    One statement gets the keys that the process does not remember.

    Raises:
        SealBroken: a text was sealed for another event, subject or field, or for another purpose.
        UnknownSubject: there is no such subject.
    """
    return open_for(PERSONAL, events, facts)


def open_for(purpose: str, events: Sequence[Event], facts: type[F]) -> list[F]:
    """Open facts of one purpose. Contexts use open_sealed(), and payments its own module."""
    if not events:
        return []
    name = _field_of(type(events[0]), facts, purpose)
    subjects = {event: subject for event in range(len(events)) if (subject := subject_of(events[event]))}
    keys = keys_of(set(subjects.values()))
    forgotten = _forgotten_accounts({a for event in events if (a := _account_in_clear(event)) is not None})
    return [
        _open(event, name, purpose, facts, keys.get(subjects[nr]) if nr in subjects else None)
        if _account_in_clear(event) not in forgotten
        else facts.erased()
        for nr, event in enumerate(events)
    ]


def subject_of(event: Event) -> UUID | None:
    """Return the data subject of an event; None if it has none, or is from before there were any."""
    subject_id: UUID | None = getattr(event, "subject_id", None)
    return subject_id


def _field_of(kind: type[Event], facts: type[Any], purpose: str) -> str:
    for name, seals in seals_of(kind).items():
        if seals.facts is facts and seals.purpose == purpose:
            return name
    raise SealBroken(f"{kind.type} has no {facts.__name__} for the purpose {purpose!r}")


def _account_in_clear(event: Event) -> int | None:
    """Return the account of an event from before its facts were sealed."""
    account_id: int | None = getattr(event, "customer_id", None)
    return account_id if subject_of(event) is None else None


def _forgotten_accounts(account_ids: Collection[int]) -> set[int | None]:
    if not account_ids:
        return set()
    gone = DataSubject.objects.filter(account_id__in=account_ids, forgotten_at__isnull=False)
    return set(gone.values_list("account_id", flat=True))


def _seal(kind: type[Event], key: DataKey, name: str, seals: Seals, facts: Fact) -> str:
    nonce = os.urandom(_NONCE)
    about = _associated_data(kind, key.subject_id, name)
    text = key.cipher(seals.purpose).encrypt(nonce, facts.model_dump_json().encode(), about)
    return b64encode(nonce + text).decode()


def _open(event: Event, name: str, purpose: str, facts: type[F], key: DataKey | None) -> F:
    text: str = getattr(event, name)
    if (clear := clear_text(text)) is not None:
        return facts.model_validate_json(clear)
    if not text or key is None or key.secret is None:
        return facts.erased()
    try:
        raw = b64decode(text, validate=True)
        about = _associated_data(type(event), key.subject_id, name)
        return facts.model_validate_json(key.cipher(purpose).decrypt(raw[:_NONCE], raw[_NONCE:], about))
    except (InvalidTag, ValueError):
        raise SealBroken(f"{event.type}: {name} cannot be opened") from None


def _associated_data(kind: type[Event], subject_id: UUID, name: str) -> bytes:
    """Bind a text to its fact, subject and field; not to the version, so that an upcast may carry it on."""
    fact = kind.type.removesuffix(f".v{kind.version}")
    return f"{fact}:{subject_id}:{name}".encode()
