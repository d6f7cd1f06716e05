"""Port to the mail server: e-mails go out through Django's e-mail backend, one connection for a batch."""

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
from notifications.provider_errors import refuses_one_email
from shop.messaging.errors import without_nul
from shop.messaging.providers import Calls

#: Seconds after which a batch ends with the replies so far. A task's time limit is far above.
TIME_LIMIT = 20.0
#: A failure after more seconds than this counts as a timeout of the mail server ...
SLOW = 1.0
#: ... and stops this process from calling it for some seconds. Otherwise each message of a batch that is
#: retried one by one would run into the same timeout.
PAUSE = 20.0

_CALLS = Calls("mail", "send_messages")


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail, ready to be sent."""

    to_name: str
    to_email: str
    subject: str
    text: str
    html: str
    #: The same at every attempt to send the message, so that mailboxes recognize duplicates.
    message_id: str


class Outcome(Enum):
    """Outcome of an attempt to send an e-mail."""

    #: The mail server has accepted the e-mail.
    ACCEPTED = "accepted"
    #: Transient failure: it may accept the e-mail later (a full mailbox, greylisting).
    POSTPONED = "postponed"
    #: Permanent failure: it will never accept the e-mail (no such mailbox, a malformed address).
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply of the mail server to one e-mail."""

    outcome: Outcome
    #: Code and text of the reply; empty if the e-mail was accepted.
    reason: str = ""


class MailServerSilent(OSError):
    """The mail server ran into a timeout a moment ago and is not called for a while."""


class EmailChannel:
    """Sender of e-mails through the configured e-mail backend."""

    #: Time, on the monotonic clock, until which this process does not call the mail server.
    paused_until = 0.0

    def send(self, emails: Iterable[Email]) -> Iterator[Reply]:
        """Send e-mails over one connection, and yield the reply to each as it comes.

        It stops early after TIME_LIMIT seconds. The e-mails without a reply are unsent then, as they are
        after an error.

        Raises:
            OSError, SMTPException: the mail server is unreachable or broken.
        """
        began = time.monotonic()
        if began < EmailChannel.paused_until:
            raise MailServerSilent(f"not called for another {EmailChannel.paused_until - began:.0f} s")
        try:
            yield from _send_until(began + TIME_LIMIT, emails)
        except (OSError, SMTPException):
            if time.monotonic() - began > SLOW:
                EmailChannel.paused_until = time.monotonic() + PAUSE
            raise


def _send_until(deadline: float, emails: Iterable[Email]) -> Iterator[Reply]:
    with get_connection() as connection:
        for email in emails:
            yield _send(connection, email)
            if time.monotonic() > deadline:
                return


def _send(connection: BaseEmailBackend, email: Email) -> Reply:
    try:
        validate_email(email.to_email)
        _CALLS.watch(connection).send_messages([_mail(email)])
    except SMTPRecipientsRefused as refusal:
        code, reason = next(iter(refusal.recipients.values()))
        return _negative_reply(code, reason)
    except SMTPDataError as refusal:
        return _negative_reply(refusal.smtp_code, refusal.smtp_error)
    except ValidationError:
        return Reply(Outcome.REFUSED, f"{email.to_email!r} is no e-mail address.")
    except Exception as error:
        if not refuses_one_email(error):
            raise
        return Reply(Outcome.REFUSED, without_nul(f"{type(error).__name__}: {error}"))
    return Reply(Outcome.ACCEPTED)


def _negative_reply(code: int, reason: bytes | str) -> Reply:
    """Interpret a reply: 4xx is a transient failure, 5xx a permanent one (RFC 5321, 4.2.1)."""
    outcome = Outcome.POSTPONED if 400 <= code < 500 else Outcome.REFUSED
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    # PostgreSQL refuses NUL in text, and the reply could not be stored.
    return Reply(outcome, f"{code} {without_nul(text)}")


def _mail(email: Email) -> Mail:
    return Mail(
        name=_one_line(email.to_name),
        address=email.to_email,
        subject=email.subject,
        text=email.text,
        html=email.html,
        # Auto-Submitted prevents out-of-office replies; mailboxes recognize duplicates by Message-ID.
        headers={"Auto-Submitted": "auto-generated", "Message-ID": email.message_id},
    )


def _one_line(name: str) -> str:
    """Remove line breaks from a customer's name, which could inject headers."""
    return " ".join(name.split())
