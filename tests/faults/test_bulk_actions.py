"""SIGKILL of workers in the middle of a bulk action: the rest is done, and nothing is done twice."""

import os
from uuid import UUID

import pytest

from tests.faults.damage import dead_letters
from tests.support.deployment import APPS, Deployment

#: These orders stay placed until their customer confirms: they can be cancelled for as long as a test takes.
WAITS = "pm_card_authenticationRequired"
WITH_TIME = pytest.mark.skipif("SHOP_TEST_LONG" not in os.environ, reason="script/test --long kills it, too")
WORKERS = (APPS, "rivals")
_START = """
from django.contrib.auth.models import User
from orders.bulk import services
from orders.models import Order
by = User.objects.filter(is_superuser=True).first()
orders = list(Order.objects.filter(pk__in={ids}).order_by("pk"))
services.start(services.prepare(action="cancel", orders=orders, given={{}}, by=by).pk)
"""
_BLOCKED = (
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    " and query like '%%orders_order%%'"
)


@pytest.mark.parametrize(
    "running_shop", ["rabbitmq", pytest.param("embedded", marks=WITH_TIME)], indirect=True
)  # on the embedded broker the task comes again when its visibility timeout is over
@pytest.mark.parametrize("victim", ["child", pytest.param("main process", marks=WITH_TIME)])
def test_a_bulk_action_whose_worker_is_killed_acts_on_each_order_once(shop: Deployment, victim: str) -> None:
    orders = sorted(shop.place_order(payment_method=WAITS) for _ in range(4))
    shop.wait_until(lambda: _awaiting_customers(shop, orders) == len(orders))
    with shop.holding("select id from orders_order where id = %s for no key update", orders[1]):
        shop.commands.check("shell", "-c", _START.format(ids=[str(order_id) for order_id in orders]))
        shop.wait_until(lambda: _states(shop, orders) == ["done", "waiting", "waiting", "waiting"])
        shop.wait_until(lambda: shop.rows(_BLOCKED), what="it is at the second order")
        for worker in WORKERS:
            if victim == "child":
                shop.kill_worker_child(worker)
            else:
                shop.kill_worker(worker)
                shop.wait_for_end(worker)

    shop.wait_until(lambda: _states(shop, orders) == ["done"] * 4, what="the rest is done")
    shop.wait_for_status(orders, "cancelled")
    assert [shop.events(order_id).count("OrderCancellationRequested") for order_id in orders] == [1] * 4
    assert _entries_in_the_journal(shop, orders) == [1] * 4
    assert dead_letters(shop) == []
    shop.audit()


def _awaiting_customers(shop: Deployment, orders: list[UUID]) -> int:
    """Count the orders that know of it: no event that is still to come takes their locks."""
    query = "select count(*) from orders_order where payment_needs = 'requires_action' and id = any(%s)"
    return int(shop.rows(query, orders)[0][0])


def _states(shop: Deployment, orders: list[UUID]) -> list[str]:
    query = "select state from orders_bulkactionrow where order_id = any(%s) order by id"
    return [state for (state,) in shop.rows(query, orders)]


def _entries_in_the_journal(shop: Deployment, orders: list[UUID]) -> list[int]:
    query = "select count(*) from django_admin_log where object_id = %s"
    return [int(shop.rows(query, str(order_id))[0][0]) for order_id in orders]
