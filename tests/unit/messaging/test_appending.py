"""Many publish about the same aggregates at once: the log has no gaps, and the outbox is in its order."""

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from orders.events import OrderCancelled
from shop.messaging.ids import uuid7
from shop.messaging.inbox import effects
from shop.messaging.models import EventRecord, OutboxEntry
from shop.messaging.outbox import in_one_statement
from shop.messaging.publishing import publish

THREADS, TRANSACTIONS = 4, 25
AGGREGATES = [uuid7() for _ in range(4)]


def publish_about_all(seed):
    """Each time in another order; in a statement that is its own transaction, and in one of several."""
    chance = random.Random(seed)
    try:
        for _ in range(TRANSACTIONS):
            with chance.choice([effects, in_one_statement])():
                for order_id in chance.sample(AGGREGATES, k=len(AGGREGATES)):
                    publish(OrderCancelled(order_id=order_id, number="ORD-1042", reason="customer"))
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_whoever_waited_for_an_aggregate_carries_on_where_the_other_ended():
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(publish_about_all, range(THREADS)))

    known = {event.id: (event.aggregate_id, event.sequence) for event in EventRecord.objects.all()}
    logged, relayed = defaultdict(list), defaultdict(list)
    for event_id in EventRecord.objects.order_by("position").values_list("id", flat=True):
        logged[known[event_id][0]].append(known[event_id][1])
    for event_id in OutboxEntry.objects.order_by("pk").values_list("message_id", flat=True):
        relayed[known[event_id][0]].append(known[event_id][1])
    assert logged == relayed == {key: [*range(1, THREADS * TRANSACTIONS + 1)] for key in AGGREGATES}
