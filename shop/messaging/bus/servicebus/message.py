"""Message from Service Bus, as bridge and dispatcher see it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from azure.servicebus import ServiceBusReceivedMessage, ServiceBusReceiver

#: Outcome of a message: a method of its receiver.
Outcome = Callable[[ServiceBusReceiver, ServiceBusReceivedMessage], None]


@dataclass(eq=False)
class IncomingMessage:
    """A locked message."""

    received: ServiceBusReceivedMessage
    #: Notes its outcome; any thread may call it.
    settle_later: Callable[[IncomingMessage, Outcome], None]
    body: bytes = b""
    #: Error that kept the body from being read.
    error: Exception | None = None
    content_type: str = field(init=False)
    headers: dict[str, Any] = field(init=False)
    delivery_info: dict[str, Any] = field(init=False)
    #: Time by time.monotonic() at which its lock is to be renewed.
    renew_at: float = field(init=False)
    #: Failed attempts to settle it.
    attempts: int = 0

    def __post_init__(self) -> None:
        received = self.received
        self.content_type = received.content_type or ""
        self.headers = _headers_of(received)
        self.delivery_info = {"exchange": "", "routing_key": received.subject or ""}
        self.schedule_renewal()
        try:
            self.body = b"".join(received.body)
        except Exception as error:  # noqa: BLE001 - a body of another program may be anything
            self.error = error

    def schedule_renewal(self) -> None:
        """Have the lock renewed when half of its time is over."""
        until = self.received.locked_until_utc
        self.renew_at = time.monotonic() + (until.timestamp() - time.time()) / 2 if until else float("inf")


def _headers_of(received: ServiceBusReceivedMessage) -> dict[str, Any]:
    properties: Any = received.application_properties or {}
    headers = {
        name.decode(errors="replace") if isinstance(name, bytes) else str(name): value
        for name, value in properties.items()
    }
    return headers | {"x-delivery-count": received.delivery_count or 0}
