"""A customer places at most so many orders within a minute, through whichever door."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from orders.errors import TooManyOrders
from orders.models import Order
from shop.accounts.limits import UNLIMITED
from shop.ids import uuid7_at, uuid7_time
from tests.unit.orders.rest import client_of, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_a_minute(settings):
    settings.SHOP_ORDERS_A_MINUTE = 3


def pass_time(seconds: float) -> None:
    """Move the time in the keys of all orders into the past."""
    moves = [(Order(pk=pk), pk) for pk in Order.objects.values_list("pk", flat=True)]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for _, pk in moves:
            earlier = uuid7_at(uuid7_time(pk) - timedelta(seconds=seconds))
            new = type(pk)(int=earlier.int | (pk.int & (2**62 - 1)))
            cursor.execute("UPDATE orders_orderline SET order_id = %s WHERE order_id = %s", [new, pk])
            cursor.execute("UPDATE orders_order SET id = %s WHERE id = %s", [new, pk])


def test_an_order_beyond_the_limit_is_refused_until_the_first_is_a_minute_old(place):
    for _ in range(3):
        place()
    with pytest.raises(TooManyOrders, match="3 orders within a minute") as refusal:
        place()
    assert 50 < refusal.value.wait <= 60
    pass_time(30)
    with pytest.raises(TooManyOrders) as refusal:
        place()
    assert 20 < refusal.value.wait <= 30
    pass_time(30)
    assert place()


def test_the_limit_is_each_customers_own(place, bob):
    for _ in range(3):
        place()
    assert place(customer=bob)


def test_a_repeated_request_gets_its_answer_beyond_the_limit(place):
    first = place(idempotency_key="k-1")
    place(), place()
    assert place(idempotency_key="k-1").pk == first.pk


def test_accounts_of_the_group_have_no_limit(place, ada):
    ada.groups.add(Group.objects.get_or_create(name=UNLIMITED)[0])
    for _ in range(5):
        place()
    ada.groups.clear()
    with pytest.raises(TooManyOrders):
        place()


def test_zero_is_no_limit(place, settings):
    settings.SHOP_ORDERS_A_MINUTE = 0
    for _ in range(5):
        place()


def test_the_api_refuses_with_the_seconds_to_wait(catalogue, ada):
    as_ada = client_of(ada)
    for _ in range(3):
        assert post(as_ada).status_code == 201
    refused = post(as_ada)
    assert refused.status_code == 429
    assert refused["Content-Type"] == "application/problem+json"
    assert 50 < int(refused["Retry-After"]) <= 60
    assert refused["RateLimit-Policy"] == '"orders";q=3;w=60'
    assert refused["RateLimit"] == f'"orders";r=0;t={refused["Retry-After"]}'
    assert Order.objects.count() == 3
