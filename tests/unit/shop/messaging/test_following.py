"""A follower of the log: nothing twice, and nothing left out that commits late."""

import psycopg
import pytest
from django.db import connection

from orders.events import OrderCancelled, OrderResumed
from shop.ids import uuid7
from shop.messaging.following import Follower
from shop.messaging.models import EventRecord
from shop.messaging.publishing import publish, unit_of_work
from tests.unit.integrations.happenings import cancelled

pytestmark = pytest.mark.django_db(transaction=True)


def ids(follower: Follower) -> list[str]:
    return [event.id for event in follower.new()]


def test_what_happens_is_yielded_once_and_as_it_is_on_the_bus():
    cancelled(taken_up=False)
    follower = Follower()
    assert ids(follower) == []
    event = cancelled(taken_up=False)
    [seen] = follower.new()
    assert (seen.id, seen.type, seen.subject) == (str(event.meta.id), event.type, str(event.aggregate_id))
    assert '"specversion"' in seen.text
    assert ids(follower) == []
    assert len(ids(Follower(after=0))) == 2


def test_what_commits_late_is_not_left_out():
    follower = Follower()
    with psycopg.connect(session_url()) as late:
        late_id = insert(late)
        early = cancelled(taken_up=False)
        assert ids(follower) == [], "what comes before it could still appear"
        late.commit()
    assert ids(follower) == [late_id, str(early.meta.id)]
    assert ids(follower) == []


def test_a_position_that_nobody_uses_is_not_waited_for():
    follower = Follower()
    with psycopg.connect(session_url()) as late:
        insert(late)
        late.rollback()
    cancelled(taken_up=False)
    assert len(ids(follower)) == 1


def test_types_choose_events_and_their_versions():
    follower = Follower(patterns=("orders.OrderR*", "shipping.*"))
    cancelled(taken_up=False)
    order_id = uuid7()
    with unit_of_work():
        publish(OrderResumed(order_id=order_id, number="ORD-1", attention="stock_overdue"))
    assert [event.type for event in follower.new()] == [OrderResumed.type]


def session_url() -> str:
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    return psycopg.conninfo.make_conninfo(**{name: given[name] for name in names if name in given})


def insert(session: psycopg.Connection) -> str:
    """Append an event in a transaction that stays open."""
    event_id, order_id = uuid7(), uuid7()
    event = OrderCancelled(order_id=order_id, number="ORD-2", reason="customer")
    columns = "id, type, aggregate_id, sequence, time, correlation_id, traceparent, data"
    session.execute(
        f"insert into {EventRecord._meta.db_table} ({columns}) values (%s, %s, %s, 1, now(), %s, '', %s)",
        [event_id, event.type, order_id, uuid7(), event.model_dump_json()],
    )
    return str(event_id)
