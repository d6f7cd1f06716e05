"""Erasure of e-mails from the files that take the place of a mail server."""

from collections.abc import Collection
from pathlib import Path

from django.conf import settings

#: Line between the e-mails of a file of Django's backend.
_BETWEEN = b"-" * 79 + b"\n"


def erase_mails(words: Collection[str]) -> int:
    """Remove the e-mails in which one of these words occurs; return their number. Empty files are deleted."""
    if not words or not getattr(settings, "EMAIL_FILE_PATH", None):
        return 0
    wanted = [word.lower().encode() for word in words if word]
    return sum(_erase(file, wanted) for file in sorted(Path(settings.EMAIL_FILE_PATH).glob("*.log")))


def _erase(file: Path, words: Collection[bytes]) -> int:
    mails = file.read_bytes().split(_BETWEEN)
    kept = [mail for mail in mails if not any(word in mail.lower() for word in words)]
    if len(kept) == len(mails):
        return 0
    # In place: a process that has the file open goes on appending to it.
    file.write_bytes(_BETWEEN.join(kept))
    if not any(mail.strip() for mail in kept):
        file.unlink(missing_ok=True)
    return len(mails) - len(kept)
