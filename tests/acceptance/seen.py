"""Queries on the final state of an order."""

import re
from collections import Counter
from uuid import UUID

from tests.support.deployment import Deployment

_CAUSES = """
    select split_part(event.type, '.', 2), split_part(coalesce(cause.type, ''), '.', 2)
    from messaging_eventrecord event
    left join messaging_eventrecord cause on cause.id = event.causation_id
    where event.aggregate_id = %s order by event.sequence
"""


def causes(shop: Deployment, order_id: UUID) -> dict[str, str]:
    """Return the cause of each event of an order. Fails if an event happened twice."""
    rows = shop.rows(_CAUSES, order_id)
    assert len(dict(rows)) == len(rows), f"something happened twice: {rows}"
    return dict(rows)


def correlations(shop: Deployment, order_id: UUID) -> int:
    """Return the number of correlation ids among an order's events."""
    query = "select count(distinct correlation_id) from messaging_eventrecord where aggregate_id = %s"
    return int(shop.rows(query, order_id)[0][0])


def is_notified(shop: Deployment, order_id: UUID, kind: str) -> bool:
    """Return True if a notification of this kind was sent or is pending."""
    query = "select from notifications_notification where order_id = %s and kind = %s"
    return bool(shop.rows(query, order_id, kind))


def messages(shop: Deployment, order_id: UUID) -> list[str]:
    """Return the sorted kinds of notifications about an order. Fails if one is unsent."""
    rows = shop.rows("select kind, state from notifications_notification where order_id = %s", order_id)
    assert {state for _, state in rows} <= {"sent"}
    return sorted(kind for kind, _ in rows)


def mails(shop: Deployment, order_id: UUID) -> Counter[str]:
    """Count the mails about an order that reached the mail server, by kind."""
    rows = shop.rows("select message_id, kind from notifications_notification where order_id = %s", order_id)
    sent = "\n".join(file.read_text() for file in (shop.home / "mail").iterdir())
    ids = Counter(re.findall(r"^Message-ID:\s+(<.+>)$", sent, re.MULTILINE))
    return Counter({kind: ids[message_id] for message_id, kind in rows})


def in_stock(shop: Deployment, sku: str) -> int:
    """Return the available stock of a product."""
    return int(shop.rows("select available from inventory_product where sku = %s", sku)[0][0])


def money(shop: Deployment, order_id: UUID) -> tuple[int, int]:
    """Return the cents captured and refunded for an order according to the gateway."""
    captured = (
        "select coalesce(sum(amount), 0) from payments_simulatedcharge where order_id = %s and status = %s"
    )
    refunded = (
        "select coalesce(sum(refund.amount), 0) from payments_simulatedrefund refund"
        " join payments_simulatedcharge charge on charge.reference = refund.charge_id"
        " where charge.order_id = %s and refund.status = %s"
    )
    taken, given = (shop.rows(query, order_id, "succeeded")[0][0] for query in (captured, refunded))
    return int(100 * taken), int(100 * given)


def labels(shop: Deployment, order_id: UUID) -> list[str]:
    """Return the statuses of an order's labels according to the carrier."""
    query = "select status from shipping_simulatedlabel where key = %s"
    return [status for (status,) in shop.rows(query, f"ship:{order_id}")]
