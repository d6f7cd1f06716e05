"""Depths of queues, as the broker tells them."""

from celery import Celery
from kombu import Connection, Producer

from shop.messaging.bus.kombu_bus import KombuBus
from shop.messaging.bus.topology import declare_topology
from tests.support.servers import Broker
from tests.support.waiting import eventually


def test_the_depth_of_each_queue_is_its_number_of_waiting_messages(broker: Broker):
    app = Celery("depths", broker=broker.url, set_as_current=False)
    bus = KombuBus(app)
    with app.connection_for_write() as connection:
        declare_topology(connection)
        producer = Producer(connection)
        for _ in range(3):
            producer.publish("{}", routing_key="orders.events")
        depth = eventually(lambda: bus.depths()["orders.events"])
        assert depth == taken(connection, "orders.events") >= 3
    found = bus.depths()
    assert found["payments.events"] == found["orders.dead"] == 0
    assert "celery" not in found  # the app's own queue, which is not there: the others are told all the same


def taken(connection: Connection, queue: str) -> int:
    """Take all messages from a queue, and return their number."""
    channel = connection.channel()
    number = 0
    while channel.basic_get(queue, no_ack=True):
        number += 1
    return number
