"""Fixtures of notifications: the simulated mail server, with a folder for each test."""

import itertools
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from notifications.channels import EmailChannel
from notifications.simulator import EmailBackend


class MailFolder:
    """E-mails that the simulated mail server has accepted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def connections(self) -> int:
        return len(list(self.path.glob("*.log")))

    @property
    def mails(self) -> list[EmailMessage]:
        """The e-mails, oldest first."""
        files = sorted(self.path.glob("*.log"))
        texts = [
            part for file in files for part in file.read_bytes().split(b"-" * 79 + b"\n") if part.strip()
        ]
        return [message_from_bytes(text, policy=policy.default) for text in texts]

    @property
    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mails]


@pytest.fixture(autouse=True)
def mail(settings, tmp_path, monkeypatch) -> MailFolder:
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    monkeypatch.setattr(EmailChannel, "paused_until", 0.0)  # restored after the test
    monkeypatch.setattr(EmailBackend, "_get_filename", file_names(tmp_path / "mail"))
    return MailFolder(tmp_path / "mail")


def file_names(folder: Path) -> Callable[[EmailBackend], str]:
    """Name the files of connections in their order: Django's names are equal within a second."""
    numbers = itertools.count()

    def name(backend: EmailBackend) -> str:
        backend._fname = backend._fname or str(folder / f"{next(numbers):06}.log")
        return backend._fname

    return name
