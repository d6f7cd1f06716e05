"""A customer of a running shop is forgotten: database, broker, logs and mail files keep nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from kombu import Connection

from tests.support.deployment import Deployment
from tests.support.traces import columns_with, files_with

WORDS = ["zebulon", "quuxworth", "xylophone"]
#: Refused by the gateway, which repeats the token in its answer.
TOKEN = "pm_card_of_quuxworth"


def test_a_running_shop_keeps_nothing_of_a_customer_and_readers_get_nothing(shop: Deployment) -> None:
    _make_customer(shop)
    with _reading_all_events(shop) as messages:
        placed = [_order(shop), _order(shop, payment_method=TOKEN)]
        shop.wait_for_status(placed, "delivered", "cancelled")
        shop.audit()
        seen = messages()
    assert any("orders.OrderCreated.v2" in message for message in seen) or shop.broker.url.startswith("pgmq")
    assert not [message for message in seen if any(word in message.lower() for word in WORDS)]
    assert "orders_order.ship_street" in columns_with(WORDS, shop.rows)

    shop.commands.check("forget_customer", "zebulon@example.com")
    shop.execute("update messaging_scheduledmessage set due_at = now() where type = 'orders.ErasureDue.v1'")
    shop.wait_until(lambda: not columns_with(WORDS, shop.rows), what="erasing the customer")
    shop.wait_until(lambda: not list(files_with(WORDS, shop.home)), what="erasing the mails")
    shop.audit()

    if shop.broker.url.startswith("pgmq"):
        with psycopg.connect(shop.broker.url.replace("pgmq", "postgresql", 1)) as session:
            assert (
                columns_with(WORDS, lambda query, *of: session.execute(query, of).fetchall(), "pgmq") == set()
            )


def _make_customer(shop: Deployment) -> None:
    wanted, tokens = shop.home / "wanted.json", shop.home / "tokens.json"
    customers = {"zebulon": "Zebulon Quuxworth"}
    wanted.write_text(json.dumps({"products": [], "customers": customers, "reason": "a test"}))
    shop.commands.check("import_catalogue", str(wanted), "--tokens", str(tokens))
    shop.tokens |= json.loads(tokens.read_text())
    wanted.unlink()
    tokens.unlink()


def _order(shop: Deployment, **options: str):
    return shop.place_order(customer="zebulon", street="17 Xylophone Mews", **options)


@contextmanager
def _reading_all_events(shop: Deployment) -> Iterator[Callable[[], list[str]]]:
    """Bind a queue to all events of the bus, as any program may; on RabbitMQ only."""
    if shop.broker.url.startswith("pgmq"):
        yield list
        return
    with Connection(shop.broker.url) as connection:
        channel = connection.channel()
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, "shop.events", "#")
        yield lambda: list(_taken(channel, queue))


def _taken(channel, queue: str) -> Iterator[str]:
    while message := channel.basic_get(queue, no_ack=True):
        yield str(message.body) if isinstance(message.body, str) else bytes(message.body).decode()
