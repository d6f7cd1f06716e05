"""E-mail backend of Django over a provider's API, chosen by ``SHOP_MAIL_PROVIDER``."""

from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from notifications.anymail.failures import translated
from notifications.anymail.providers import configured
from notifications.references import key_of, reference_of


class EmailBackend(BaseEmailBackend):
    """Backend that sends each message by one request, over one connection for all."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._provider = configured()
        self._api = self._provider.connect()

    def open(self) -> bool:
        """Connect, if this is not done yet."""
        return bool(self._api.open())

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send messages, each under a key of its own; return their number.

        Raises:
            SMTPRecipientsRefused: the provider refuses the address of one for good.
            MailProviderError: the provider takes none at present.
        """
        for message in email_messages:
            self._add_references(message)
            with translated(self._provider, ", ".join(message.recipients())):
                self._api.send_messages([message])
        return len(email_messages)

    def _add_references(self, message: Any) -> None:
        message_id = message.extra_headers.get("Message-ID", "")
        if reference := reference_of(message_id):
            message.metadata = reference.metadata()
            message.extra_headers |= self._provider.headers(key_of(message_id))
