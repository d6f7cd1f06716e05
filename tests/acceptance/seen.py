"""What a story looks at when an order has come to its end."""

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
    """Each event of an order and the one that it followed from; fails if one happened twice."""
    rows = shop.rows(_CAUSES, order_id)
    assert len(dict(rows)) == len(rows), f"something happened twice: {rows}"
    return dict(rows)


def correlations(shop: Deployment, order_id: UUID) -> int:
    """Into how many correlated groups the order's events fall."""
    query = "select count(distinct correlation_id) from messaging_eventrecord where aggregate_id = %s"
    return int(shop.rows(query, order_id)[0][0])


def is_told(shop: Deployment, order_id: UUID, kind: str) -> bool:
    """Whether the customer has been sent a message of this kind, or will be."""
    query = "select from notifications_notification where order_id = %s and kind = %s"
    return bool(shop.rows(query, order_id, kind))


def messages(shop: Deployment, order_id: UUID) -> list[str]:
    """The kinds of the messages that the customer was sent about an order, sorted, once all has settled."""
    rows = shop.rows("select kind, state from notifications_notification where order_id = %s", order_id)
    assert {state for _, state in rows} <= {"sent"}
    return sorted(kind for kind, _ in rows)


def mails(shop: Deployment, order_id: UUID) -> Counter[str]:
    """How often the mail server was handed each message about an order, by kind."""
    rows = shop.rows("select message_id, kind from notifications_notification where order_id = %s", order_id)
    sent = "\n".join(file.read_text() for file in (shop.home / "mail").iterdir())
    ids = Counter(re.findall(r"^Message-ID:\s+(<.+>)$", sent, re.MULTILINE))
    return Counter({kind: ids[message_id] for message_id, kind in rows})


def in_stock(shop: Deployment, sku: str) -> int:
    """How many there are."""
    return int(shop.rows("select available from inventory_product where sku = %s", sku)[0][0])


def money(shop: Deployment, order_id: UUID) -> tuple[int, int]:
    """Captured and refunded for an order in cents, by the provider's own books."""
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
    """What became of the labels for an order, by the carrier's own books."""
    query = "select status from shipping_simulatedlabel where key = %s"
    return [status for (status,) in shop.rows(query, f"ship:{order_id}")]
