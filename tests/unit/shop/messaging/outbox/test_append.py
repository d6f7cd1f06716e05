"""Concurrent appends to the same aggregates: a log without gaps, and an outbox in its order."""

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from orders.events import OrderCancelled, OrderDeadlinePassed
from shop.ids import uuid7
from shop.messaging.models import EventRecord, OutboxEntry, ScheduledMessage
from shop.messaging.publishing import publish, unit_of_work
from shop.messaging.scheduling import schedule, unschedule
from tests.support.waiting import eventually

THREADS, TRANSACTIONS = 4, 25
AGGREGATES = [uuid7() for _ in range(4)]


def publish_about_all(seed):
    """Publish about all aggregates in random order, with and without ``single_statement``."""
    chance = random.Random(seed)
    try:
        for _ in range(TRANSACTIONS):
            with unit_of_work(**chance.choice([{}, {"single_statement": True}])):
                for order_id in chance.sample(AGGREGATES, k=len(AGGREGATES)):
                    cancel(order_id)
    finally:
        connection.close()


def cancel(order_id):
    publish(OrderCancelled(order_id=order_id, number="ORD-1042", reason="customer"))


def remind(order_id):
    schedule(OrderDeadlinePassed(order_id=order_id, step="payment"), at=datetime.now(UTC))


def a_transaction_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return cursor.rowcount


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


def call_off(order_id):
    unschedule(OrderDeadlinePassed, order_id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [remind, call_off])
def test_whoever_waits_for_an_aggregate_holds_none_of_its_reminders(change):
    def cancel_and_change():
        try:
            with unit_of_work():
                cancel(order_id)
                change(order_id)
        finally:
            connection.close()

    order_id = uuid7()
    with transaction.atomic():
        remind(order_id)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            cancel(order_id)
            waiting = threads.submit(cancel_and_change)
            eventually(a_transaction_waits)
            remind(order_id)  # a deadlock if the waiting transaction held it
        waiting.result(timeout=30)
    assert EventRecord.objects.count() == 2
    assert ScheduledMessage.objects.count() == (change is remind)
