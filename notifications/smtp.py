"""Django's SMTP backend without the parsing of addresses, which takes two thirds of the time of an e-mail.

Chosen by ``EMAIL_BACKEND=notifications.smtp.EmailBackend``, with the settings of Django's backend.
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address

from notifications.mime import Mail


class EmailBackend(SmtpBackend):
    """SMTP backend that sends e-mails to plain addresses itself, and leaves all others to Django."""

    def _send(self, email_message: EmailMessage) -> bool:
        if not isinstance(email_message, Mail) or not email_message.is_plain:
            return bool(super()._send(email_message))  # type: ignore[misc] # missing in the stubs
        server: Any = self.connection
        message = email_message.message().as_bytes(linesep="\r\n")
        server.sendmail(_sender(email_message.from_email), [email_message.address], message)
        return True


@cache
def _sender(address: str) -> str:
    return sanitize_address(address, settings.DEFAULT_CHARSET)
