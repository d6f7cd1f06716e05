"""The four steps of an order in SQL, one statement each."""

#: Number of products, each with more stock than is ordered.
PRODUCTS = 100
TABLES = """
    CREATE TABLE payment (order_id uuid PRIMARY KEY, amount numeric(12, 2) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE stock (sku text PRIMARY KEY, quantity bigint NOT NULL);
    CREATE TABLE shipment (order_id uuid PRIMARY KEY, tracking_number text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE notification (order_id uuid PRIMARY KEY, kind text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE placed (order_id uuid PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON shipment (created_at);
    CREATE INDEX ON notification (created_at);
    INSERT INTO stock SELECT 'BENCH-' || n, 10000000 FROM generate_series(0, 99) AS n
"""
#: Statement that notes when an order was placed, if latency is measured.
PLACED = "INSERT INTO placed (order_id) VALUES (%(order)s)"
#: Statements by step, in their order.
STEPS = {
    "charge": "INSERT INTO payment (order_id, amount) VALUES (%(order)s, 12.50) ON CONFLICT DO NOTHING",
    "deduct": "UPDATE stock SET quantity = quantity - 1 WHERE sku = %(sku)s",
    "ship": "INSERT INTO shipment (order_id, tracking_number) VALUES (%(order)s, 'EZ1000000001')"
    " ON CONFLICT DO NOTHING",
    "tell": "INSERT INTO notification (order_id, kind) VALUES (%(order)s, 'shipped') ON CONFLICT DO NOTHING",
}


def values(order: str) -> dict[str, str]:
    """Return the parameters of a step."""
    return {"order": order, "sku": f"BENCH-{int(order[-2:], 16) % PRODUCTS}"}
