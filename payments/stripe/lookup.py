"""Payments found again at Stripe: one PaymentIntent or Checkout Session for each key.

It is found by its idempotency key, which Stripe keeps for a day; by its id, once the shop knows it; and by
metadata, which Stripe's search of intents knows after about a minute. What may be older than a day is
searched first. Sessions cannot be searched: those of the last day are looked through, for none lives longer.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from payments.errors import GatewayTimeout, KeyReused
from payments.gateway import ChargeRequest
from payments.stripe.client import KEY, PAGE, checkout_sessions, metadata_of, payment_intents
from payments.stripe.failures import KeyTaken, Refused, StoredFailure, translated
from shop.ids import uuid7_time

#: Age of an order below which Stripe still knows its idempotency key, which it keeps for at least a day.
REMEMBERED = timedelta(hours=20)
#: Longest life of a Checkout Session, and an hour for clocks that differ.
SESSION_LIFE = timedelta(hours=25)
#: Metadata: a digest of the request; the mark of an intent that is made to be cancelled.
REQUEST, TOMBSTONE = "shop_request", "shop_tombstone"
#: Metadata: the id of the order.
ORDER = "shop_order"
#: Metadata: the code of a decline that is the shop's own.
DECLINED = "shop_declined"
#: Metadata: the mark of an intent that belongs to a Checkout Session.
HOSTED = "shop_hosted"
#: Beginning of the ids of Checkout Sessions.
SESSION = "cs_"


def make_once(asked: ChargeRequest, create: Callable[[], Any]) -> Any:
    """Make what a request asks for, or return what was made under its key before.

    Raises:
        KeyReused: the key was used for another amount or means of payment.
        Refused: Stripe refuses the request.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    known = None if _is_remembered(asked.order_id) else find(asked.key) or _find_session(asked.key)
    made = known or create_once(asked.key, create)
    metadata = metadata_of(made)
    if TOMBSTONE not in metadata and metadata.get(REQUEST) != _digest(asked):
        raise KeyReused(f"{asked.key} was used for another amount or means of payment before")
    return made


def create_once(key: str, create: Callable[[], Any]) -> Any:
    """Create under a key, or return what Stripe has made under it before.

    The second is as it was when it was made.
    """
    try:
        with translated():
            return create()
    except KeyTaken as error:
        if known := find(key) or _find_session(key):
            return known
        raise GatewayTimeout(f"{error}: {key} is used, and not found yet") from None
    except StoredFailure:
        # Stripe repeats the error for a day, though what it is about may exist.
        if known := find(key) or _find_session(key):
            return known
        raise


def find(key: str, reference: str = "") -> Any | None:
    """Return the session with a reference, or the intent with it or with the key, as it stands.

    None if Stripe's search knows no intent with the key, perhaps not yet.
    """
    with translated():
        if (known := retrieve(reference)) and metadata_of(known).get(KEY) == key:
            return known
        found = payment_intents().search({"query": f'metadata["{KEY}"]:"{key}"'}).data
        return payment_intents().retrieve(found[0].id) if found else None


def retrieve(reference: str) -> Any | None:
    """Return the intent or session with an id; None if there is none."""
    if not reference:
        return None
    service = checkout_sessions() if reference.startswith(SESSION) else payment_intents()
    try:
        with translated():
            return service.retrieve(reference)
    except Refused:
        return None


def order_of(reference: str) -> UUID | None:
    """Return the order of an intent or session; None if the shop did not make it."""
    made = retrieve(reference)
    order = metadata_of(made).get(ORDER) if made else None
    return UUID(order) if order else None


def metadata_for(asked: ChargeRequest) -> dict[str, str]:
    """Return the metadata by which the payment of a request is found again and told from others."""
    return {KEY: asked.key, REQUEST: _digest(asked), ORDER: str(asked.order_id)}


def _find_session(key: str) -> Any | None:
    since = int((datetime.now(UTC) - SESSION_LIFE).timestamp())
    with translated():
        recent = checkout_sessions().list({"created": {"gte": since}, "limit": PAGE}).auto_paging_iter()
        return next((one for one in recent if metadata_of(one).get(KEY) == key), None)


def _is_remembered(order_id: UUID) -> bool:
    return order_id.version == 7 and datetime.now(UTC) - uuid7_time(order_id) < REMEMBERED


def _digest(asked: ChargeRequest) -> str:
    """Return a digest that tells requests apart and does not show the means of payment."""
    text = f"{asked.amount.amount.normalize()} {asked.amount.currency} {asked.token}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
