"""Events for a program that is being developed: posted to its URL, signed as webhooks are."""

from types import TracebackType

from django.conf import settings
from django.utils import timezone

from integrations.errors import AddressRefused
from integrations.http_client import Connection
from integrations.requests import signed_headers
from shop.messaging.errors import describe
from shop.messaging.following import PublishedEvent


class Forwarder:
    """Context manager of a connection to a URL, to which events are posted once each, whatever it answers."""

    def __init__(self, url: str, secret: str) -> None:
        self._secret = secret
        self._link = Connection(url)

    def __enter__(self) -> "Forwarder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.discard()

    def send(self, event: PublishedEvent) -> str:
        """Post an event and return the status of the answer, or why there is none.

        Raises:
            AddressRefused: neither is the address public, nor does a network of the settings name it.
        """
        headers = signed_headers(event.id, event.text, timezone.now(), [self._secret])
        timeout = settings.SHOP_ENDPOINT_TIMEOUT.total_seconds()
        try:
            return str(self._link.post(event.text.encode(), headers, timeout=timeout).status)
        except AddressRefused:
            raise
        except Exception as failure:  # noqa: BLE001 - the program may be restarting: the next event may arrive
            self._link.discard()
            return describe(failure)
