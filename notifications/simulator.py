"""Simulated mail server: writes mail to files, refuses known addresses, reports, and can be taken down.

Chosen by ``EMAIL_BACKEND=notifications.simulator.EmailBackend``. A file beside the mail takes the server
down for all processes.
"""

from collections.abc import Sequence
from pathlib import Path
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage

from notifications.mail_files import EmailBackend as FileBackend
from notifications.mailboxes import tell_shop

#: Local part of a recipient -> code and text of the refusal, permanent or transient.
REFUSALS = {
    "bounce": (550, b"5.1.1 No such mailbox here"),
    "mailboxfull": (452, b"4.2.2 The mailbox is full"),
}


class EmailBackend(FileBackend):
    """Backend that accepts all mail but that to the addresses in REFUSALS, unless it is down."""

    def open(self) -> bool | None:
        """Connect; ConnectionRefusedError while the server is down."""
        if _switch().exists():
            raise ConnectionRefusedError("the simulated mail server is down")
        return super().open()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Accept the messages; SMTPRecipientsRefused for an address in REFUSALS."""
        is_new = self.open()
        try:
            for message in email_messages:
                self._check(message)
            sent = super().send_messages(email_messages) or 0
            tell_shop(email_messages)
            return sent
        finally:
            if is_new:
                self.close()

    def _check(self, message: EmailMessage) -> None:
        for recipient in message.recipients():
            local_part = recipient.rpartition("<")[2].partition("@")[0]
            if refusal := REFUSALS.get(local_part):
                raise SMTPRecipientsRefused({recipient: refusal})


def take_down() -> None:
    """Make the mail server unreachable for all processes, even within a batch."""
    _switch().parent.mkdir(parents=True, exist_ok=True)
    _switch().touch()


def bring_up() -> None:
    """Make the mail server reachable again."""
    _switch().unlink(missing_ok=True)


def _switch() -> Path:
    return Path(settings.EMAIL_FILE_PATH) / "DOWN"
