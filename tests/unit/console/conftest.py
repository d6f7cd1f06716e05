"""A small shop whose chain runs in this process, with orders of every outcome."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from console.seeding import seed
from orders.events import Address
from orders.intake import OrderRequest
from orders.models import Order
from orders.services import place_order, request_cancellation
from tests.support.inprocess import deliver_all, fire_reminders
from tests.support.simulators import reach_shop_at_once


class Shop:
    """Shop with demonstration data; places orders and runs the chain."""

    def __init__(self) -> None:
        seed()
        self.alice = User.objects.get(username="alice")

    def place(
        self,
        *,
        pays_with: str = "pm_card_visa",
        street: str = "1 Rabbit Hole",
        retry_payment: bool = False,
        **lines: int,
    ) -> Order:
        """Place an order, by default of two teas and a mug. SKUs are written with _ for -."""
        items = [(sku.replace("_", "-"), n) for sku, n in (lines or {"TEA_MINT": 2, "MUG": 1}).items()]
        address = Address(
            name="Alice Liddell", street=street, city="Oxford", postal_code="OX1 1AA", country="GB"
        )
        request = OrderRequest(
            lines=items, ship_to=address, payment_method=pays_with, retry_payment=retry_payment
        )
        return place_order(customer=self.alice, request=request)

    def run_to_end(self) -> None:
        """Deliver all events and reminders, until the parcels have arrived."""
        deliver_all()
        for _ in range(6):
            fire_reminders()

    def shipped(self) -> Order:
        order = self.place()
        deliver_all()
        return self.expect_status(order, "shipped")

    def delivered(self) -> Order:
        order = self.place()
        self.run_to_end()
        return self.expect_status(order, "delivered")

    def declined(self) -> Order:
        order = self.place(pays_with="pm_card_visa_chargeDeclined")
        self.run_to_end()
        return self.expect_status(order, "cancelled")

    def refused_by_carrier(self) -> Order:
        order = self.place(street="EZ6000000006")
        with captures_at_once():
            self.run_to_end()
        return self.expect_status(order, "cancelled")

    def cancelled(self) -> Order:
        order = self.place()
        request_cancellation(order_id=order.pk, reason="customer")
        self.run_to_end()
        return self.expect_status(order, "cancelled")

    def too_late(self) -> Order:
        order = self.place()
        self.run_to_end()
        return self.expect_status(order, "delivered")

    def stuck_refund(self) -> Order:
        order = self.place(pays_with="pm_card_refundFail", street="EZ6000000006")
        with captures_at_once():
            self.run_to_end()
        return self.expect_status(order, "needs_attention")

    def stuck_capture(self) -> Order:
        order = self.place(pays_with="pm_card_captureFail")
        self.run_to_end()
        return self.expect_status(order, "needs_attention")

    def expect_status(self, order: Order, status: str) -> Order:
        """Check the status in the database and return the order."""
        order.refresh_from_db()
        assert order.status == status
        return order


def captures_at_once() -> override_settings:
    """Take the money of orders as soon as they have their stock: what is undone afterwards is refunded."""
    return override_settings(SHOP_CAPTURE="placed")


@pytest.fixture
def shop(transactional_db, settings, tmp_path, monkeypatch) -> Shop:
    reach_shop_at_once(monkeypatch)
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(milliseconds=1)
    return Shop()


@pytest.fixture
def operator(shop) -> User:
    return User.objects.get(username="operator")
