"""Books after the waves: nothing may be lost, and nothing done twice."""

from dev.bench.deployment import Deployment

#: Each row: what it counts, and the query. All have to equal the number of accepted orders.
_ONCE = {
    "orders": "select count(*) from orders_order",
    "orders delivered": "select count(*) from orders_order where status = 'delivered'",
    "payments": "select count(*) from payments_payment",
    "orders with a payment": "select count(distinct order_id) from payments_payment",
    "parcels": "select count(*) from messaging_eventrecord where type = 'shipping.OrderShipped.v2'",
    "orders with a parcel": "select count(distinct aggregate_id) from messaging_eventrecord"
    " where type = 'shipping.OrderShipped.v2'",
}
_DEAD = "select count(*) from messaging_deadletter where status = 'open'"


def differences(shop: Deployment, accepted: int) -> list[str]:
    """Return what does not equal the number of accepted orders, and open dead letters."""
    counted = {what: int(shop.rows(query)[0][0]) for what, query in _ONCE.items()}
    wrong = [f"{accepted:,} accepted, and {n:,} {what}" for what, n in counted.items() if n != accepted]
    if dead := shop.rows(_DEAD)[0][0]:
        wrong.append(f"{dead} dead letters")
    return wrong
