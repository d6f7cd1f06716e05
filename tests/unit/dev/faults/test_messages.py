"""Unreadable messages, alone and in bundles whose other event is readable."""

from random import Random
from types import SimpleNamespace

import pytest
from django.db import connection

from dev.faults.messages import poisoned
from shop.messaging.contracts import cloudevents
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE
from shop.messaging.errors import InvalidMessage, UnknownEventType
from tests.unit.notifications.facts import order_created, published

pytestmark = pytest.mark.django_db(transaction=True)


def rows(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def some_poison():
    system = SimpleNamespace(rows=rows)
    return [poisoned(system, Random(salt)) for salt in range(30)]


def test_before_the_first_order_poison_comes_alone():
    assert {message.properties["content_type"] for message in some_poison()} == {CONTENT_TYPE}


def test_of_a_poisoned_bundle_one_event_is_an_order():
    order = published(order_created())
    messages = some_poison()
    assert {message.properties["content_type"] for message in messages} == {CONTENT_TYPE, BATCH_CONTENT_TYPE}
    for message in messages:
        if message.properties["content_type"] == BATCH_CONTENT_TYPE:
            [found] = readable(cloudevents.parse_batch(message.body.decode()))
            assert (found.meta.id, found.model_dump()) == (order.meta.id, order.model_dump())


def readable(events):
    found = []
    for event, _ in events:
        try:
            found.append(cloudevents.decode(event))
        except (InvalidMessage, UnknownEventType):
            continue
    assert len(found) == len(events) - 1
    return found
