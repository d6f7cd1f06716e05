"""The file of erasures: who was forgotten, without a name, apart from what is backed up."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Erasure:
    """A forgotten customer. After a restore an id may be given again: the account's age tells."""

    subject_id: UUID
    account_id: int
    joined_at: datetime


def add(erasure: Erasure) -> None:
    """Append a line to the file, which only its owner may read, and wait until it is on disk."""
    path = Path(settings.SHOP_ERASURES_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # a file from before, and whatever the umask
        line = f"{erasure.subject_id} {erasure.account_id} {erasure.joined_at.isoformat()}\n"
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erasures() -> list[Erasure]:
    """Return the lines of the file, each once, in their order."""
    path = Path(settings.SHOP_ERASURES_FILE)
    lines = dict.fromkeys(path.read_text().splitlines()) if path.exists() else {}
    return [_read(*line.split()) for line in lines]


def _read(subject_id: str, account_id: str, joined_at: str) -> Erasure:
    return Erasure(UUID(subject_id), int(account_id), datetime.fromisoformat(joined_at))
