"""Mail in these tests goes to the simulated mail server, into a folder of the test's own."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from notifications.channels import EmailChannel


class MailFolder:
    """What the simulated mail server has taken."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def connections(self) -> int:
        return len(list(self.path.glob("*.log")))

    @property
    def mails(self) -> list[EmailMessage]:
        """The messages, oldest first."""
        files = sorted(self.path.glob("*.log"), key=lambda file: file.stat().st_mtime_ns)
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
    monkeypatch.setattr(EmailChannel, "paused_until", 0.0)  # also for whoever comes after
    return MailFolder(tmp_path / "mail")
