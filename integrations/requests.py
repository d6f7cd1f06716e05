"""Requests of deliveries: body, headers and signatures, by Standard Webhooks 1.0."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.utils import timezone

from integrations.errors import AddressRefused
from integrations.http_client import Answer, Connection
from integrations.models import Delivery, Endpoint, is_over
from integrations.resending import TEST_TYPE
from integrations.secrets import open_sealed, signatures
from shop.messaging.errors import describe
from shop.messaging.event_log import messages_of

_UNPUBLISHED = "This version of the event is not published any more."
CONTENT_TYPE = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of a request, with the reason if there is no answer."""

    delivery: Delivery
    at: datetime
    headers: dict[str, str]
    seconds: float
    answer: Answer | None = None
    error: str = ""
    #: Another attempt cannot help.
    is_hopeless: bool = False

    @property
    def is_success(self) -> bool:
        """True for an answer with a status of 2xx."""
        return self.answer is not None and 200 <= self.answer.status < 300


def bodies_of(deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Return the bodies of deliveries by their ids: events as they are in the log, what they seal sealed.

    It is the same at each attempt. A version that is not published any more has none.
    """
    events = {one.event_id: one.type for one in deliveries if one.type != TEST_TYPE}
    messages = messages_of(events) if events else {}
    tests = {one.event_id: _test_message(one) for one in deliveries if one.type == TEST_TYPE}
    return {one.pk: body for one in deliveries if (body := (messages | tests).get(one.event_id))}


def _test_message(delivery: Delivery) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(delivery.event_id),
            "source": "/shop/integrations",
            "type": TEST_TYPE,
            "subject": str(delivery.endpoint_id),
            "time": delivery.occurred_at.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": {"endpoint_id": str(delivery.endpoint_id)},
        }
    )


def send(delivery: Delivery, body: str | None, connection: Connection, *, timeout: float) -> Result:
    """Send a delivery once. It raises nothing: what goes wrong is the result."""
    at, began = timezone.now(), time.monotonic()
    if body is None:
        return Result(delivery, at, {}, 0.0, error=_UNPUBLISHED, is_hopeless=True)
    headers: dict[str, str] = {}
    answer, error = None, ""
    try:
        headers = headers_of(delivery, body, at)
        answer = connection.post(body.encode(), headers, timeout=timeout)
    except AddressRefused as refusal:
        error = str(refusal)
    except Exception as failure:  # noqa: BLE001 - whatever it is, there was no answer
        is_late = isinstance(failure, TimeoutError) or time.monotonic() - began >= timeout
        error = f"no answer within {timeout:g} s" if is_late else describe(failure)
    if answer is None:
        connection.discard()
    return Result(delivery, at, headers, time.monotonic() - began, answer, error[:300])


def headers_of(delivery: Delivery, body: str, at: datetime) -> dict[str, str]:
    """Return the headers of a request that is sent at ``at``."""
    return signed_headers(str(delivery.event_id), body, at, _secrets_of(delivery.endpoint))


def signed_headers(message_id: str, body: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of a message, with a signature by each of the secrets."""
    return {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "shop-webhooks/1.0",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures(secrets, message_id, at, body),
    }


def _secrets_of(endpoint: Endpoint) -> list[str]:
    sealed = [bytes(endpoint.secret)]
    if endpoint.former_secret and not is_over(endpoint.former_secret_ends_at):
        sealed.append(bytes(endpoint.former_secret))
    return [_opened(text, endpoint.pk) for text in sealed]


@lru_cache(maxsize=256)
def _opened(text: bytes, endpoint_id: UUID) -> str:
    return open_sealed(text, endpoint_id)
