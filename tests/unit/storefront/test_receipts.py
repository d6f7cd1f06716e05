"""Receipt of an order: lines, what was paid, and what was given back."""

from decimal import Decimal

import pytest

from orders.refunds import services as refunds
from orders.refunds.plan import Wish
from shipping import queries as shipping
from shop.messaging.contracts import Money
from storefront.carriers import tracking_page
from tests.support.inprocess import deliver_all
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db


def receipt_of(client, order) -> str:
    return text_of(client.get(f"/orders/{order.summary.number}/receipt/"))


def test_a_receipt_has_number_day_lines_and_sums(buy, customer, settings):
    settings.SHOP_SENDER = {**settings.SHOP_SENDER, "name": "Tea & Pots", "street": "1 Hill", "city": "Bath"}
    order = buy()
    unpaid = receipt_of(customer, order)
    assert f"Order {order.summary.number}" in unpaid
    assert "Paid up to now €0.00" in unpaid
    deliver_all()
    paid = receipt_of(customer, order)
    assert "Tea &amp; Pots 1 Hill Bath" in paid
    assert "Ada Lovelace 12 St James's Sq SW1Y 4JH London United Kingdom" in paid
    assert "Blue mug MUG 2 €12.90 €25.80 Total €25.80 Paid €25.80" in paid
    assert "Sent on" in paid


def test_a_receipt_names_what_was_given_back_and_what_remains(buy, customer):
    order = buy()
    deliver_all()
    wish = Wish(amount=Money(amount=Decimal("5.00"), currency="EUR"))
    refunds.request_refund(order_id=order.summary.id, wish=wish, reason="A scratch")
    deliver_all()
    text = receipt_of(customer, order)
    assert "−€5.00" in text
    assert "Given back on" in text
    assert "Paid after refunds €20.80" in text


@pytest.mark.parametrize(
    ("carrier", "page"),
    [
        ("UPS", "https://www.ups.com/track?tracknum=1Z%2F9"),
        ("DHL Express", "https://www.dhl.com/global-en/home/tracking.html?tracking-id=1Z%2F9"),
        ("SimPost", ""),
    ],
)
def test_a_carrier_that_has_a_page_about_parcels_is_linked(carrier, page):
    assert tracking_page(carrier, "1Z/9") == page


def test_the_order_page_leads_to_the_carriers_page(buy, customer, monkeypatch):
    order = buy()
    deliver_all()
    number = shipping.shipment_of(order.summary.id).tracking_number
    monkeypatch.setattr(
        "storefront.order_page.tracking_page", lambda carrier, number: f"https://c.example/{number}"
    )
    page = customer.get(f"/orders/{order.summary.number}/").content.decode()
    assert f'href="https://c.example/{number}" rel="noreferrer"' in page
