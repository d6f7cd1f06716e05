"""Keys of the data subjects of orders, which the first event of an order in the log names."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from shop.postgres.combined_selects import Select, fetch
from shop.privacy.data_keys import DataKey, key_for_account, keys_of

#: An event from before there were data subjects names the account alone.
_SUBJECTS = """
    SELECT aggregate_id, data ->> 'subject_id' AS subject_id, data -> 'customer_id' AS account_id
    FROM messaging_eventrecord WHERE aggregate_id = ANY(%b::uuid[]) AND sequence = 1
"""


def keys_of_orders(order_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
    """Return the keys of the subjects of orders, by order; orders that the log does not know are missing."""
    if not order_ids:
        return {}
    rows = fetch(Select(_SUBJECTS, [list(order_ids)], lambda rows: rows))
    subjects = {UUID(row["aggregate_id"]): _subject_of(row) for row in rows}
    keys = keys_of({subject_id for subject_id in subjects.values() if subject_id})
    return {order_id: keys[subject_id] for order_id, subject_id in subjects.items() if subject_id}


def _subject_of(row: dict[str, Any]) -> UUID | None:
    if row["subject_id"]:
        return UUID(row["subject_id"])
    if row["account_id"] is None:
        return None
    with key_for_account(row["account_id"]) as key:
        pass
    return key.result.subject_id
