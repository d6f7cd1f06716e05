"""Promotion of a second version of the read models, while workers go on."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import APPS, RELAY, Deployment, shared_deployment
from tests.support.second_version.version import MARK, VERSION

#: Two workers compete for the events of analytics.
WORKERS = {RELAY: [RELAY], APPS: ["orders", "payments", "inventory", "shipping", "integrations"]}
WORKERS |= {name: ["analytics", "notifications"] for name in ("analytics", "rivals")}
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.support.second_version.settings"}


@pytest.fixture(scope="module", params=["embedded"])
def running_shop(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A shop of this module's own: its code has two versions of the projection."""
    with shared_deployment(request, workers=WORKERS, **SETTINGS) as shop:
        shop.execute("update analytics_projection set version = 2")
        yield shop


def test_workers_go_on_over_a_promotion_and_count_each_event_once(shop: Deployment) -> None:
    orders = [shop.place_order() for _ in range(10)]
    shop.commands.check("rebuild_analytics", "--beside", str(VERSION))
    orders += [shop.place_order() for _ in range(20)]
    shop.wait_until(lambda: shop.rows("select from analytics_orderfact where carrier <> ''"))

    said = shop.commands.check("rebuild_analytics", "--promote")
    orders += [shop.place_order() for _ in range(10)]
    shop.wait_for_status(orders, "delivered")
    shop.audit()
    assert f"Version {VERSION} is live." in said
    marked = "select count(*), bool_and(starts_with(carrier, %s)) from analytics_orderfact"
    assert shop.rows(marked, MARK) == [(len(orders), True)]
    placed = shop.rows("select sum(orders_placed), sum(orders_delivered) from analytics_dailysales")
    assert placed == [(len(orders), len(orders))]
