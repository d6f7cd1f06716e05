"""A shop whose database was restored: the providers know more than it does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from inventory.models import Product
from orders.models import Order
from shipping.models import TrackingEvent
from shop.messaging.consuming import fence, runner
from shop.messaging.models import OutboxEntry, Restore
from tests.support.inprocess import deliver_all, receivers
from tests.unit.console.conftest import Shop


class LostTime:
    """Orders of a shop, and the loss of them."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._shelves = list(Product.objects.all())

    def placed(self) -> Order:
        """Place an order and deliver nothing."""
        return self.shop.place()

    def held(self, **choices: Any) -> Order:
        """Place an order whose money is held, and whose parcel is not booked."""
        order = self.shop.place(**choices)
        self._deliver("payments")
        return order

    def shipped(self, **choices: str) -> Order:
        """Place an order whose parcel is on its way."""
        with override_settings(SHOP_TRACKING_INTERVAL=timedelta(days=1)):
            order = self.shop.place(**choices)
            deliver_all()
        return self.shop.expect_status(order, "shipped")

    def message_of(self, order: Order) -> dict:
        """Return the message by which the order was placed."""
        entry = OutboxEntry.objects.filter(
            type__startswith="orders.OrderCreated", body__contains=str(order.pk)
        )
        return json.loads(entry.latest("pk").body)

    def lose(self, *orders: Order) -> None:
        """Restore the database to a point before the orders."""
        ids = [order.pk for order in orders]
        Product.objects.bulk_update(self._shelves, ["available", "reserved"])
        TrackingEvent.objects.filter(shipment__order_id__in=ids).delete()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger refuses
            for table, column in _tables():
                cursor.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s)", [ids])
            cursor.execute("DELETE FROM messaging_outboxentry")
            cursor.execute("DELETE FROM messaging_scheduledmessage WHERE aggregate_id = ANY(%s)", [ids])
            cursor.execute("DELETE FROM messaging_eventrecord WHERE aggregate_id = ANY(%s)", [ids])
            cursor.execute(
                "DELETE FROM messaging_inboxentry WHERE NOT EXISTS "
                "(SELECT FROM messaging_eventrecord AS record WHERE record.id = event_id)"
            )
            cursor.execute("SET LOCAL session_replication_role = origin")

    def _deliver(self, app: str) -> None:
        for entry in OutboxEntry.objects.order_by("id"):
            for consumer in receivers(entry):
                if consumer.app == app:
                    runner.run(consumer, [json.loads(entry.body)], [{}])


def _tables() -> list[tuple[str, str]]:
    """Return the tables with facts of orders, but for those of the providers and of the restore."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE column_name = 'order_id' "
            "AND table_schema = 'public' AND table_name NOT LIKE 'payments_simulated%%' "
            "AND table_name NOT LIKE 'console_%%' ORDER BY table_name"
        )
        return [*cursor.fetchall(), ("orders_order", "id")]


@pytest.fixture
def lost_time(db: None, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LostTime:
    """Shop whose database was restored a moment ago, and opened."""
    settings.SHOP_ERASURES_FILE = str(tmp_path / "erasures")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Restore.objects.create(identity="x", is_restore=True, by="a test", opened_at=datetime.now(UTC))
    monkeypatch.setattr(fence.local_fence, "limit", None)
    return LostTime(Shop())
