"""Lost messages: the order doctor finds them in the event log, and every order finishes."""

from kombu import Connection

from shop.messaging.bus.transport_settings import transport_settings
from shop.messaging.consuming import events_queue
from shop.settings import CONTEXTS
from tests.support.deployment import APPS, Deployment

WORKERS = (APPS, "rivals")


def purge_all_queues(shop: Deployment) -> int:
    """Purge every context's queue, and return the number of lost messages."""
    options = transport_settings(shop.broker.url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
    with (
        Connection(shop.broker.url, transport_options=options) as connection,
        connection.channel() as channel,
    ):
        return sum(channel.queue_purge(events_queue(app)) for app in CONTEXTS)


def test_what_was_lost_in_purged_queues_is_resent_and_every_order_finishes(shop: Deployment) -> None:
    shop.stop_workers(*WORKERS)
    orders = [shop.place_order() for _ in range(5)]
    refused = [shop.place_order(street="EZ6000000006 Street") for _ in range(2)]
    shop.wait_until(lambda: not shop.rows("select from messaging_outboxentry"), what="all published")
    assert purge_all_queues(shop) >= len(orders + refused)
    shop.start_workers(*WORKERS)
    assert set(shop.statuses(orders + refused).values()) == {"placed"}

    assert "repaired: resent 7 to payments.events" in shop.repair(grace=0)
    shop.wait_for_status(orders, "delivered")
    shop.wait_for_status(refused, "cancelled")
    shop.audit()
    assert "All invariants hold." in shop.repair()


def test_timers_that_were_lost_in_purged_queues_are_put_back(shop: Deployment) -> None:
    order = shop.place_order()
    shop.wait_for_status([order], "shipped", "delivered")
    shop.stop_workers(*WORKERS)
    shop.execute("update messaging_scheduledmessage set due_at = now() where kind = 'reminder'")
    shop.wait_until(lambda: not shop.rows("select from messaging_scheduledmessage"), what="all promoted")
    shop.wait_until(lambda: not shop.rows("select from messaging_outboxentry"), what="all published")
    purge_all_queues(shop)
    shop.start_workers(*WORKERS)

    shop.repair(grace=0)
    shop.wait_for_status([order], "delivered")
    shop.audit()
