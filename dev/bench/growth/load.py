"""Load in bulk: the shop's statements on its hot tables, for thousands of orders at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from celery import current_app

from dev.bench.growth.stub_publisher import StubPublisher
from inventory.events import InventoryUpdated, StockLine
from orders.events import OrderCreated, OrderedLine
from payments.events import PaymentProcessed
from shipping.events import OrderDelivered, OrderShipped
from shop.ids import uuid7
from shop.messaging.consuming import consumers
from shop.messaging.contracts import Event, Meta, Money, cloudevents
from shop.messaging.outbox import shards
from shop.messaging.relay import due, relay

#: Orders processed at the same time.
CHUNK = 2000
ALL_SHARDS = list(range(shards.SHARDS))
#: Status of an order after each event.
STATUSES = ("placed", "paid", "in_fulfilment", "shipped", "delivered")
#: Number of tracking requests for a parcel.
TRACKINGS = 3

_PREPARE = """
    CREATE TABLE control (n int);
    CREATE TEMP TABLE chunk (order_id uuid);
    CREATE TEMP TABLE happened (id uuid, order_id uuid);
    CREATE TEMP TABLE step (sequence int, type text, data jsonb, body text);
    CREATE TEMP TABLE subscription (type text, consumer text);
"""
_CHUNK = "INSERT INTO chunk SELECT uuidv7(%(shift)s) FROM generate_series(1, %(orders)s)"
_PLACE = """
    INSERT INTO orders_order (id, customer_id, customer_name, customer_email, ship_name, ship_street,
        ship_city, ship_postal_code, ship_country, payment_method, total, currency, status, cancel_reason,
        attention_reason, payment_undone, stock_undone, placed_at, changed_at, idempotency_key,
        request_fingerprint)
    SELECT order_id, (SELECT min(id) FROM auth_user), 'Rosa Klein', 'rosa@example.com', 'Rosa Klein',
        'Am Markt 1', 'Berlin', '10178', 'DE', 'pm_card_visa', 27.40, 'EUR', 'placed', '', '', false, false,
        now() + %(shift)s, now() + %(shift)s, order_id::text, md5(order_id::text) || md5('request')
    FROM chunk;
"""
_LINES = """
    INSERT INTO orders_orderline (order_id, sku, name, quantity, unit_price, currency)
    SELECT order_id, sku, sku, 1, 13.70, 'EUR' FROM chunk, unnest('{TEA-MINT,MUG}'::text[]) AS sku
"""
_HAPPEN = "INSERT INTO happened SELECT uuidv7(%(shift)s), order_id FROM chunk"
_LOG = """
    INSERT INTO messaging_eventrecord (id, type, aggregate_id, sequence, time, correlation_id, causation_id,
        traceparent, data, hash)
    SELECT id, type, order_id, sequence, now() + %(shift)s, order_id, id,
        '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', data, sha256(id::text::bytea)
    FROM happened, step WHERE sequence = %(sequence)s
"""
_QUEUE = """
    INSERT INTO messaging_outboxentry (shard, message_id, type, queue, headers, body)
    SELECT hashtext(id::text) & 15, id, type, '', '{}', body FROM happened, step WHERE sequence = %(sequence)s
"""
_CONSUME = """
    INSERT INTO messaging_inboxentry (event_id, consumer, consumed_at)
    SELECT id, consumer, now() + %(shift)s FROM happened, step JOIN subscription USING (type)
    WHERE sequence = %(sequence)s
"""
_ADVANCE = """
    UPDATE orders_order SET status = %(status)s, changed_at = now() + %(shift)s
    WHERE id IN (SELECT order_id FROM chunk)
"""
_REMIND = """
    INSERT INTO messaging_scheduledmessage
        (kind, app, type, message_id, aggregate_id, body, due_at, attempts, parkings, last_error)
    SELECT 'reminder', 'orders', %(type)s, uuidv7(), order_id, repeat('x', 500), now() + %(due)s, 0, 0, ''
    FROM chunk
    ON CONFLICT (type, aggregate_id) WHERE kind = 'reminder'
    DO UPDATE SET message_id = excluded.message_id, body = excluded.body, due_at = excluded.due_at
"""
_UNREMIND = """
    DELETE FROM messaging_scheduledmessage
    WHERE kind = 'reminder' AND aggregate_id IN (SELECT order_id FROM chunk)
"""


def prepare(session: psycopg.Connection[Any]) -> None:
    """Create the tables of the load generator."""
    current_app.loader.import_default_modules()  # registers the consumers
    session.execute(_PREPARE)
    for sequence, event in enumerate(_events_of_an_order(), 1):
        row = (sequence, event.type, event.model_dump_json(), cloudevents.encode(event))
        session.execute("INSERT INTO step VALUES (%s, %s, %s, %s)", row)
    for consumer in consumers():
        row_of_consumer = (consumer.event.type, consumer.name)
        session.execute("INSERT INTO subscription VALUES (%s, %s)", row_of_consumer)


def process_orders(session: psycopg.Connection[Any], *, orders: int, ago: timedelta) -> None:
    """Place and deliver orders, with ids and times shifted back by ``ago``."""
    for start in range(0, orders, CHUNK):
        _process_chunk(session, {"shift": -ago, "orders": min(CHUNK, orders - start)})


def _process_chunk(session: psycopg.Connection[Any], values: dict[str, Any]) -> None:
    _run(session, "TRUNCATE chunk", _CHUNK, _PLACE, _LINES, values=values)
    for sequence, status in enumerate(STATUSES, 1):
        step = {**values, "sequence": sequence, "status": status}
        _run(session, "TRUNCATE happened", _HAPPEN, _LOG, _QUEUE, values=step)
        empty_outbox(session)
        _run(session, _CONSUME, values=step)
        if sequence > 1:
            _run(session, _ADVANCE, values=step)
        deadline = {"type": "orders.OrderDeadlinePassed.v1", "due": timedelta(hours=1)}
        _run(session, _REMIND, values=deadline)
    _track(session)
    _run(session, _UNREMIND, values={})


def _track(session: psycopg.Connection[Any]) -> None:
    for _ in range(TRACKINGS):
        _run(session, _REMIND, values={"type": "shipping.TrackingDue.v1", "due": timedelta()})
        while due.promote_due(session):
            empty_outbox(session)


def empty_outbox(session: psycopg.Connection[Any]) -> None:
    """Relay all entries."""
    while relay.relay_batch(session, StubPublisher(), ALL_SHARDS):
        pass


def grow_log(session: psycopg.Connection[Any], *, to: int) -> None:
    """Append events to the log alone, as earlier months would have."""
    (there,) = session.execute("SELECT count(*) FROM messaging_eventrecord").fetchone() or (0,)
    for start in range(there, to, CHUNK * len(STATUSES)):
        values = {"shift": timedelta(), "orders": min(CHUNK, -(-(to - start) // len(STATUSES)))}
        _run(session, "TRUNCATE chunk", _CHUNK, values=values)
        for sequence in range(1, len(STATUSES) + 1):
            _run(session, "TRUNCATE happened", _HAPPEN, _LOG, values={**values, "sequence": sequence})


def _run(session: psycopg.Connection[Any], *statements: str, values: dict[str, Any]) -> None:
    for statement in statements:
        session.execute(statement.encode(), values)


def _events_of_an_order() -> Sequence[Event]:
    """Return the events of a delivered order."""
    order, eur = uuid7(), Money(amount=Decimal("13.70"), currency="EUR")
    lines = tuple(
        OrderedLine(sku=sku, name=name, quantity=1, unit_price=eur)
        for sku, name in [("TEA-MINT", "Peppermint Tea, 50 g"), ("MUG", "Stoneware Mug")]
    )
    events = [
        OrderCreated(
            order_id=order,
            number="ORD-1042",
            customer_id=7,
            lines=lines,
            total=Money(amount=Decimal("27.40"), currency="EUR"),
            subject_id=uuid7(),
            personal="A" * 300,
            payment="A" * 88,
        ),
        PaymentProcessed(order_id=order, payment_id=uuid7(), amount=eur),
        InventoryUpdated(order_id=order, lines=tuple(StockLine(sku=line.sku, quantity=1) for line in lines)),
        OrderShipped(
            order_id=order,
            shipment_id=uuid7(),
            carrier="PostSimulator",
            subject_id=uuid7(),
            personal="A" * 88,
        ),
        OrderDelivered(order_id=order, shipment_id=uuid7(), delivered_at=datetime.now(UTC)),
    ]
    return [event.with_meta(Meta(uuid7(), datetime.now(UTC), uuid7(), uuid7())) for event in events]
