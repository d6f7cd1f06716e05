"""SQL of the copies: tables with rows of an order, values that differ in a copy, and sums over orders.

It is the only module that writes the tables of all contexts; services are too slow for a million orders.
"""

#: Table -> its column with the order's id, or the join that reaches its rows from ``pattern``.
TABLES = {
    "orders_order": "id",
    "orders_orderline": "order_id",
    "payments_payment": "order_id",
    "payments_refund": "payments_payment AS payment ON payment.order_id = pattern.id"
    " JOIN payments_refund AS original ON original.payment_id = payment.id",
    "payments_simulatedcharge": "payments_simulatedcharge AS original"
    " ON original.key = 'capture:' || pattern.id",
    "payments_simulatedrefund": "payments_simulatedcharge AS charge ON charge.key = 'capture:' || pattern.id"
    " JOIN payments_simulatedrefund AS original ON original.charge_id = charge.reference",
    "inventory_orderstock": "order_id",
    "inventory_stockmovement": "order_id",
    "shipping_shipment": "order_id",
    "shipping_trackingevent": "shipping_shipment AS shipment ON shipment.order_id = pattern.id"
    " JOIN shipping_trackingevent AS original ON original.shipment_id = shipment.id",
    "shipping_simulatedlabel": "shipping_simulatedlabel AS original ON original.key = 'ship:' || pattern.id",
    "notifications_recipient": "order_id",
    "notifications_notification": "order_id",
    "analytics_orderfact": "order_id",
    "messaging_eventrecord": "aggregate_id",
    "messaging_inboxentry": "messaging_eventrecord AS event ON event.aggregate_id = pattern.id"
    " JOIN messaging_inboxentry AS original ON original.event_id = event.id",
}
#: Columns with a value of the copy's own.
OWN = {
    ("orders_order", "serial"): "copy.serial",
    ("orders_order", "customer_id"): "copy.customer_id",
    ("orders_order", "idempotency_key"): "''",
}
#: Rows left out because retention deletes them: see shop.messaging.operations.retention.
ONLY = {
    "messaging_inboxentry": "original.consumed_at + copy.shift"
    " > now() - %(inbox)s::interval - interval '1 day'"
}
#: Order of the copies: an event of an order does not stand in the log before the one that it follows.
ORDER = {"messaging_eventrecord": "ORDER BY copy.serial, original.position"}
#: References to an order in its rows: the text in the pattern and its replacement in a copy.
WORDS = {
    "order_id": ("pattern.id::text", "pg_temp.moved(word.order_id::uuid, later, serial)::text"),
    "payment": ("payment.id::text", "pg_temp.moved(word.payment::uuid, later, serial)::text"),
    "charge": (
        "substr(charge.reference, 4)",
        "replace(pg_temp.moved(word.charge::uuid, later, serial)::text, '-', '')",
    ),
    "refund": ("refund.id::text", "pg_temp.moved(word.refund::uuid, later, serial)::text"),
    "returned": (
        "substr(refund.reference, 4)",
        "replace(pg_temp.moved(word.returned::uuid, later, serial)::text, '-', '')",
    ),
    "shipment": ("shipment.id::text", "pg_temp.moved(word.shipment::uuid, later, serial)::text"),
    "parcel": (
        "label.tracking_number",
        "'SP' || upper(substr(md5(serial::text || 'parcel'), 1, 16))",
    ),
    "number": ("'ORD-' || orders.serial", "'ORD-' || serial"),
    "email": ("orders.customer_email", "customer.email"),
    "name": ("orders.customer_name", "customer.name"),
    "customer": ("'\"customer_id\": ' || orders.customer_id", "'\"customer_id\": ' || customer.id"),
    # Personal facts cannot be sealed by SQL: those of a copy are as erased.
    "sealed": ("creation.data ->> 'personal'", "''"),
    "arrived": (
        "arrival.data ->> 'delivered_at'",
        "to_char((word.arrived::timestamptz + shift) AT TIME ZONE 'UTC',"
        ' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')',
    ),
}
READ_WORDS = f"""
    CREATE TEMP TABLE word AS SELECT pattern.id AS pattern, pattern.nth,
        {", ".join(f"{old} AS {word}" for word, (old, _) in WORDS.items())}
    FROM pattern JOIN orders_order AS orders ON orders.id = pattern.id
    LEFT JOIN payments_payment AS payment ON payment.order_id = pattern.id
    LEFT JOIN payments_refund AS refund ON refund.payment_id = payment.id
    LEFT JOIN shipping_shipment AS shipment ON shipment.order_id = pattern.id
    LEFT JOIN payments_simulatedcharge AS charge ON charge.key = 'capture:' || pattern.id
    LEFT JOIN shipping_simulatedlabel AS label ON label.key = 'ship:' || pattern.id
    LEFT JOIN messaging_eventrecord AS creation
        ON creation.aggregate_id = pattern.id AND creation.sequence = 1
    LEFT JOIN messaging_eventrecord AS arrival
        ON arrival.aggregate_id = pattern.id AND arrival.data ? 'delivered_at'
"""  # noqa: S608 - constants only
#: Function that moves a UUIDv7 by milliseconds and makes it unique: ids sort by time.
MOVE_IDS = """
    CREATE OR REPLACE FUNCTION pg_temp.moved(id uuid, later bigint, salt bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE AS $$ SELECT (
        lpad(to_hex(('x' || left(id::text, 8) || substr(id::text, 10, 4))::bit(48)::bigint + later), 12, '0')
        || substr(id::text, 15, 9)
        || lpad(to_hex(('x' || right(id::text, 12))::bit(48)::bigint # salt), 12, '0'))::uuid $$
"""
MAKE_CUSTOMERS = """
    INSERT INTO auth_user
        (username, password, first_name, last_name, email, is_superuser, is_staff, is_active, date_joined)
    SELECT 'customer-' || n, '!' || md5(random()::text), 'Customer', n, 'customer-' || n || '@example.com',
        false, false, true, now()
    FROM generate_series(1, %(customers)s::int) AS n ON CONFLICT (username) DO NOTHING
"""
READ_CUSTOMERS = """
    CREATE TEMP TABLE customer AS
    SELECT n - 1 AS nth, auth_user.id, first_name || ' ' || last_name AS name, auth_user.email
    FROM generate_series(1, %(customers)s::int) AS n JOIN auth_user ON username = 'customer-' || n
"""
MAKE_COPIES = f"""
    INSERT INTO copy SELECT word.pattern, serial, later, shift, customer.id,
        {", ".join(new for _, new in WORDS.values())}
    FROM (
        SELECT n, nextval('orders_order_serial') AS serial, later, later * interval '1 millisecond' AS shift
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
            LATERAL (SELECT (-%(span)s::bigint * (1 - n / %(total)s::numeric))::bigint AS later) AS clock
    ) AS made
    JOIN word ON word.nth = mod(n, %(patterns)s::bigint)
    JOIN customer ON customer.nth = mod(n, %(customers)s::bigint)
"""  # noqa: S608 - constants only
COPY_TABLE = f"""
    CREATE TEMP TABLE copy (pattern uuid, serial bigint, later bigint, shift interval, customer_id bigint,
        {", ".join(f"{word} text" for word in WORDS)})
"""
#: Sums over orders: the stock, and the figures of analytics.
SUMS = (
    """
    UPDATE inventory_product SET available = available + moved.quantity
    FROM (SELECT product_id, sum(quantity) AS quantity
          FROM copy JOIN copied_inventory_stockmovement USING (pattern) GROUP BY 1) AS moved
    WHERE id = moved.product_id
    """,
    """
    INSERT INTO analytics_dailysales AS known (day, currency, orders_placed, orders_paid, orders_shipped,
        orders_delivered, orders_cancelled, revenue_captured, revenue_refunded)
    SELECT ((at + shift) AT TIME ZONE 'UTC')::date, currency,
        count(*) FILTER (WHERE step = 'placed'), count(*) FILTER (WHERE step = 'paid'),
        count(*) FILTER (WHERE step = 'shipped'), count(*) FILTER (WHERE step = 'delivered'),
        count(*) FILTER (WHERE step = 'cancelled'),
        coalesce(sum(total) FILTER (WHERE step = 'captured'), 0),
        coalesce(sum(total) FILTER (WHERE step = 'refunded'), 0)
    FROM copy JOIN copied_analytics_orderfact USING (pattern), LATERAL (VALUES
        ('placed', placed_at), ('paid', paid_at), ('shipped', shipped_at), ('delivered', delivered_at),
        ('cancelled', cancelled_at), ('captured', captured_at), ('refunded', refunded_at)) AS steps (step, at)
    WHERE at IS NOT NULL GROUP BY 1, 2
    ON CONFLICT (day, currency) DO UPDATE SET
        orders_placed = known.orders_placed + excluded.orders_placed,
        orders_paid = known.orders_paid + excluded.orders_paid,
        orders_shipped = known.orders_shipped + excluded.orders_shipped,
        orders_delivered = known.orders_delivered + excluded.orders_delivered,
        orders_cancelled = known.orders_cancelled + excluded.orders_cancelled,
        revenue_captured = known.revenue_captured + excluded.revenue_captured,
        revenue_refunded = known.revenue_refunded + excluded.revenue_refunded
    """,
    """
    UPDATE analytics_productsales SET quantity_ordered = quantity_ordered + line.quantity
    FROM (SELECT sku, sum(quantity) AS quantity FROM copy JOIN copied_orders_orderline USING (pattern)
          GROUP BY 1) AS line
    WHERE analytics_productsales.sku = line.sku
    """,
    """
    UPDATE analytics_productsales
    SET quantity_sold = quantity_sold + sold, quantity_restocked = quantity_restocked + restocked
    FROM (SELECT sku, coalesce(-sum(quantity) FILTER (WHERE kind = 'sold'), 0) AS sold,
              coalesce(sum(quantity) FILTER (WHERE kind = 'restocked'), 0) AS restocked
          FROM copy JOIN copied_inventory_stockmovement USING (pattern)
          JOIN inventory_product ON inventory_product.id = product_id GROUP BY 1) AS moved
    WHERE analytics_productsales.sku = moved.sku
    """,
    """
    UPDATE analytics_productrevenue SET ordered = analytics_productrevenue.ordered + line.ordered
    FROM (SELECT sku, currency, sum(quantity * unit_price) AS ordered
          FROM copy JOIN copied_orders_orderline USING (pattern) GROUP BY 1, 2) AS line
    WHERE (analytics_productrevenue.sku, analytics_productrevenue.currency) = (line.sku, line.currency)
    """,
)
#: Quantity of each product that one copy of every pattern consumes.
NEEDED = """
    SELECT sku, -sum(quantity)::bigint FROM copied_inventory_stockmovement
    JOIN inventory_product ON inventory_product.id = product_id GROUP BY 1
"""
