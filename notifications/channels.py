"""The port to the world of mail: letters go out over Django's e-mail backend, one connection a batch."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

from django.core.exceptions import ValidationError
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email

from notifications.mime import Mail
from shop.messaging.errors import without_nul
from shop.messaging.providers import Calls

#: Seconds after which a batch stops with what it has got, far below a task's time limit.
TIME_LIMIT = 20.0
#: An attempt that failed only after so many seconds means a server that keeps its callers waiting ...
SLOW = 1.0
#: ... and for so many seconds this process does not let it: a split batch would wait once a message.
PAUSE = 20.0

_CALLS = Calls("mail", "send_messages")


@dataclass(frozen=True, slots=True)
class Email:
    """One message, ready to go."""

    to_name: str
    to_email: str
    subject: str
    text: str
    html: str
    #: The same for every attempt at the same message, so that mailboxes know a second copy.
    message_id: str


class Verdict(Enum):
    #: The mail server has taken the letter.
    TAKEN = "taken"
    #: It does not take this letter now, but may later (a full mailbox, greylisting).
    POSTPONED = "postponed"
    #: It will never take this letter (no such mailbox, a malformed address).
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the mail server said to one letter."""

    letter: Email
    verdict: Verdict
    reason: str = ""


class MailServerSilent(OSError):
    """The mail server kept this process waiting a moment ago; it is left alone for a while."""


class EmailChannel:
    """Sends letters through the configured e-mail backend."""

    #: When this process may call a mail server again that kept it waiting.
    paused_until = 0.0

    def send(self, letters: Iterable[Email]) -> Iterator[Answer]:
        """Send the letters over one connection and yield the answer to each as it comes.

        What concerns a single letter is an Answer; an unreachable or broken mail server is the
        exception of the backend (OSError, SMTPException), and the letters from there on are unsent.
        So they are where it stops early because it has run for PATIENCE seconds.
        """
        began = time.monotonic()
        if began < EmailChannel.paused_until:
            raise MailServerSilent(f"not called for another {EmailChannel.paused_until - began:.0f} s")
        try:
            yield from _send_until(began + TIME_LIMIT, letters)
        except (OSError, SMTPException):
            if time.monotonic() - began > SLOW:
                EmailChannel.paused_until = time.monotonic() + PAUSE
            raise


def _send_until(deadline: float, letters: Iterable[Email]) -> Iterator[Answer]:
    with get_connection() as connection:
        for letter in letters:
            yield _send(connection, letter)
            if time.monotonic() > deadline:
                return


def _send(connection: BaseEmailBackend, letter: Email) -> Answer:
    try:
        validate_email(letter.to_email)
        _CALLS.watch(connection).send_messages([_mail(letter)])
    except SMTPRecipientsRefused as refusal:
        code, reason = next(iter(refusal.recipients.values()))
        return Answer(letter, _verdict(code), f"{code} {_text(reason)}")
    except SMTPDataError as refusal:
        return Answer(letter, _verdict(refusal.smtp_code), f"{refusal.smtp_code} {_text(refusal.smtp_error)}")
    except ValidationError:
        return Answer(letter, Verdict.REFUSED, f"{letter.to_email!r} is no e-mail address.")
    return Answer(letter, Verdict.TAKEN)


def _verdict(code: int) -> Verdict:
    """SMTP says 4xx for *not now* and 5xx for *never* (RFC 5321, 4.2.1)."""
    return Verdict.POSTPONED if 400 <= code < 500 else Verdict.REFUSED


def _text(reason: bytes | str) -> str:
    """What the server said; without NUL, which the database cannot store: the answer would be forgotten."""
    return without_nul(reason.decode(errors="replace") if isinstance(reason, bytes) else reason)


def _mail(letter: Email) -> Mail:
    return Mail(
        name=_one_line(letter.to_name),
        address=letter.to_email,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        # The first stops out-of-office replies, the second tells the mailbox that two copies are one message.
        headers={"Auto-Submitted": "auto-generated", "Message-ID": letter.message_id},
    )


def _one_line(name: str) -> str:
    """A name comes from the customer; a line break in it must not become a header of its own."""
    return " ".join(name.split())
