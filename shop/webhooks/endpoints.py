"""Endpoints of webhooks: one for each provider in ``settings.SHOP_WEBHOOKS``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from shop.messaging.contracts import Reminder


class NotGenuine(Exception):
    """The request does not come from the provider, or not now; the message says which."""


class NotConfigured(Exception):
    """The endpoint has no secret: nothing can be verified."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A provider's message that something has happened."""

    #: The provider's id of the message, by which a copy is recognised.
    event_id: str
    #: The provider's word for what has happened, as in ``charge.refunded``.
    kind: str
    #: The provider's id of the object that it is about.
    about: str


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice as it came."""

    provider: str
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Verification of a provider's requests, and the way to the context that works them."""

    #: Verifies signature and age, of body and headers; None for a message that the shop has no use for.
    #: Raises NotGenuine or NotConfigured. It must not ask the database: forged requests are to cost nothing.
    read: Callable[[bytes, Mapping[str, str]], Notice | None]
    #: Makes the reminder that hands a stored notice to its context. The notice's id is its aggregate.
    reminder: Callable[[UUID], Reminder]


def endpoint_of(provider: str) -> Endpoint | None:
    """Return the endpoint of a provider; None if it is not configured."""
    path = settings.SHOP_WEBHOOKS.get(provider)
    if path is None:
        return None
    endpoint: Endpoint = import_string(path)
    return endpoint
