"""Orders of every outcome, to be damaged."""

from datetime import timedelta

import pytest
from django.test import override_settings

from inventory.services import adjust_stock
from orders.models import Order
from tests.support.pristine import restore_pristine
from tests.unit.console.conftest import Shop


@pytest.fixture(scope="module")
def orders(django_db_setup, django_db_blocker, tmp_path_factory):
    """Orders of every outcome, placed once; each test damages them in a transaction that is rolled back."""
    instant = timedelta(milliseconds=1)
    settings = override_settings(
        EMAIL_BACKEND="notifications.simulator.EmailBackend",
        EMAIL_FILE_PATH=str(tmp_path_factory.mktemp("mail")),
        SHOP_TRACKING_INTERVAL=instant,
        SHOP_REFUND_CHECK_INTERVAL=instant,
    )
    with django_db_blocker.unblock(), settings:
        try:
            yield _orders_of_every_outcome(Shop())
        finally:
            restore_pristine()


def _orders_of_every_outcome(shop: Shop) -> dict[str, Order]:
    adjust_stock(sku="TEA-MINT", quantity=-3, reason="drunk")
    outcomes = ("delivered", "declined", "refused_by_carrier", "cancelled", "stuck_refund")
    orders = {outcome: getattr(shop, outcome)() for outcome in outcomes}
    with override_settings(SHOP_TRACKING_INTERVAL=timedelta(days=1)):
        return {**orders, "shipped": shop.shipped()}


@pytest.fixture(autouse=True)
def in_a_transaction(orders, db):
    """Roll back the damage after each test."""
