"""What happens to an order, in the fewest statements: one a step, and nothing beside it."""

#: So many products, each with more stock than will be ordered.
PRODUCTS = 100
TABLES = """
    CREATE TABLE payment (order_id uuid PRIMARY KEY, amount numeric(12, 2) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE stock (sku text PRIMARY KEY, quantity bigint NOT NULL);
    CREATE TABLE shipment (order_id uuid PRIMARY KEY, tracking_number text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE notification (order_id uuid PRIMARY KEY, kind text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON shipment (created_at);
    CREATE INDEX ON notification (created_at);
    INSERT INTO stock SELECT 'BENCH-' || n, 10000000 FROM generate_series(0, 99) AS n
"""
#: By name, in their order.
STEPS = {
    "charge": "INSERT INTO payment (order_id, amount) VALUES (%(order)s, 12.50) ON CONFLICT DO NOTHING",
    "deduct": "UPDATE stock SET quantity = quantity - 1 WHERE sku = %(sku)s",
    "ship": "INSERT INTO shipment (order_id, tracking_number) VALUES (%(order)s, 'EZ1000000001')"
    " ON CONFLICT DO NOTHING",
    "tell": "INSERT INTO notification (order_id, kind) VALUES (%(order)s, 'shipped') ON CONFLICT DO NOTHING",
}


def values(order: str) -> dict[str, str]:
    """What a step has to know about an order."""
    return {"order": order, "sku": f"BENCH-{int(order[-2:], 16) % PRODUCTS}"}
