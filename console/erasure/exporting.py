"""Export of all that the shop keeps about a customer."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from console.erasure import accounts
from notifications import erasure as notifications
from orders import erasure as orders
from payments import erasure as payments
from shipping import erasure as shipping
from shop.accounts.guests import claimed_by
from shop.messaging.event_log import timeline
from shop.privacy.messages import messages_about
from shop.privacy.rows import Rows
from shop.privacy.showing import shown


def rows_about(user: User) -> Rows:
    """Return the rows of all tables with data of a customer, by table, without secrets."""
    order_ids = _order_ids_of(user)
    words = accounts.words_of(user) | orders.words_of(user.pk)
    found = accounts.personal_data_of(user, words)
    for context in (orders, payments, shipping, notifications):
        found |= context.personal_data_of(order_ids)
    return found | messages_about(order_ids)


def export(user: User) -> dict[str, Any]:
    """Return all that is kept about a customer: rows by table, and the events of all orders in clear."""
    events = [event for order_id in _order_ids_of(user) for event in _events_about(order_id)]
    return {"account": user.pk, "tables": rows_about(user), "events": events}


def _order_ids_of(user: User) -> list[UUID]:
    """Return the orders of a customer, and of the guests that the account has claimed."""
    account_ids = (user.pk, *claimed_by(user.pk))
    return [order_id for account_id in account_ids for order_id in orders.order_ids_of(account_id)]


def _events_about(order_id: UUID) -> Iterator[dict[str, Any]]:
    for entry in shown(timeline(order_id), personal=True):
        yield {"type": entry.type, "time": entry.time, "id": entry.id, "data": entry.data}
