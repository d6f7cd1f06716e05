"""Webhooks of simulated providers: signed by Standard Webhooks, sent over HTTP to the address of the shop.

They come through the door of real providers. What a process had not sent when it was killed is lost, as
requests of real providers may be.
"""

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from shop.messaging.contracts import Reminder
from shop.webhooks.endpoints import Endpoint, NotGenuine, Notice

logger = logging.getLogger(__name__)

#: Seconds before each attempt after the first, and for an answer.
PAUSES = (1.0, 2.0, 4.0, 8.0)
TIMEOUT = 10.0
#: Headers of Standard Webhooks: id, time of sending and signature.
_ID, _TIME, _SIGNATURE = HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def endpoint(provider: str, reminder: Callable[[UUID], Reminder]) -> Endpoint:
    """Return the endpoint of a simulated provider."""
    return Endpoint(partial(_read, provider), reminder)


def send(provider: str, told: Mapping[Notice, Mapping[str, Any]], *, after: float = 0.0) -> None:
    """Send notices, each with what it says, ``after`` seconds from now in a thread of their own."""
    bodies = {notice.event_id: body_of(notice, said) for notice, said in told.items()}
    thread = threading.Timer(after, _send_all, (provider, bodies))
    thread.daemon = True  # it keeps no process from stopping
    thread.start()


def body_of(notice: Notice, said: Mapping[str, Any]) -> str:
    """Return the body of a request."""
    return json.dumps({"type": notice.kind, "about": notice.about, "data": said})


def said_in(body: bytes) -> Any:
    """Return what a stored notice says."""
    return json.loads(body)["data"]


def signed(provider: str, message_id: str, body: str, *, at: datetime | None = None) -> dict[str, str]:
    """Return the headers of a request, sent now by default."""
    moment = at or datetime.now(UTC)
    signature = _signer(provider).sign(message_id, moment, body)
    return {_ID: message_id, _TIME: str(int(moment.timestamp())), _SIGNATURE: signature}


def _read(provider: str, body: bytes, headers: Mapping[str, str]) -> Notice:
    """Verify signature and age, and return the notice.

    Raises:
        NotGenuine: the simulator did not send it, or more than five minutes ago.
    """
    try:
        given = {name: headers.get(name, "") for name in HEADERS}
        said = _signer(provider).verify(body, given)
    except (WebhookVerificationError, ValueError) as error:
        raise NotGenuine(f"The simulated provider did not send this: {error}.") from None
    return Notice(given[_ID], said["type"], said["about"])


def _signer(provider: str) -> Webhook:
    mac = salted_hmac("shop.simulation.webhooks", provider, settings.SECRET_KEY, algorithm="sha256")
    return Webhook(mac.digest())


def _send_all(provider: str, bodies: Mapping[str, str]) -> None:
    for message_id, body in bodies.items():
        if not any(_attempt(provider, message_id, body, pause) for pause in (0.0, *PAUSES)):
            logger.warning("a notice of %s did not reach %s", provider, settings.SHOP_URL)
            return  # nor would the others


def _attempt(provider: str, message_id: str, body: str, pause: float) -> bool:
    """Send a request after a pause; return whether it was taken."""
    time.sleep(pause)
    try:
        return post(f"/providers/{provider}/webhook", body, signed(provider, message_id, body)) == 200
    except (OSError, http.client.HTTPException):
        return False


def post(path: str, body: str, headers: Mapping[str, str]) -> int:
    """Send a request to the shop, and return the status of its answer."""
    shop = urlsplit(settings.SHOP_URL)
    kind = http.client.HTTPSConnection if shop.scheme == "https" else http.client.HTTPConnection
    connection = kind(shop.netloc, timeout=TIMEOUT)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    finally:
        connection.close()
