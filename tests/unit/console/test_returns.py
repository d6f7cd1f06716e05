"""Returns through all contexts: stock, money and messages follow, and the audit sees books that disagree."""

import pytest
from django.db import connection

from console.audit import audit
from inventory.models import Product
from notifications.models import Notification
from orders.models import RefundRequest, Return
from orders.returns.plan import Received
from orders.returns.receiving import receive_return
from orders.returns.services import approve_return, request_return
from payments.models import Payment
from tests.support.inprocess import deliver_all

RECEIVED = {"MUG": Received(restocked=1), "TEA-MINT": Received(restocked=1, written_off=1)}


def violations():
    return [str(violation) for violation in audit(idle=True).violations]


def send_back(order):
    """Ask for all goods of an order, approve it, and receive them in two parcels."""
    ids = {"order_id": order.pk}
    lines = {sku: one.quantity for sku, one in RECEIVED.items()}
    returned = request_return(**ids, lines=lines, reason="a crack", by_customer=True)
    approve_return(**ids, return_id=returned.pk)
    for sku, one in RECEIVED.items():
        receive_return(**ids, return_id=returned.pk, received={sku: one})


def stock():
    return dict(Product.objects.values_list("sku", "available"))


def test_goods_come_back_money_follows_and_all_books_agree(shop):
    order = shop.delivered()
    before = stock()
    send_back(order)
    assert violations_of("returns") == []  # before the other contexts have heard of it
    deliver_all()
    assert stock() == before | {"MUG": before["MUG"] + 1, "TEA-MINT": before["TEA-MINT"] + 1}
    assert {refund.outcome for refund in RefundRequest.objects.all()} == {"succeeded"}
    assert Payment.objects.get().amount_refunded == order.total
    kinds = Notification.objects.filter(kind__startswith="return_").order_by("pk").values_list("kind")
    assert [kind for (kind,) in kinds] == ["return_requested", "return_approved"] + ["return_received"] * 2
    shop.expect_status(order, "delivered")
    assert violations() == []


def violations_of(rule):
    return [str(violation) for violation in audit().violations if violation.rule == rule]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE orders_returnline SET restocked = 0 WHERE sku = 'MUG'", "by the receipts"),
        ("UPDATE orders_returnline SET quantity = quantity + 1", "are returned or refunded of"),
        ("UPDATE orders_returnreceipt SET lines = '[]'", "came back to the stock for nothing"),
        ("DELETE FROM orders_returnreceipt", "and by the log 2 ×"),
        (
            "DELETE FROM notifications_notification WHERE kind = 'return_approved'",
            "return_approved is missing",
        ),
        (
            "DELETE FROM notifications_notification WHERE id = (SELECT max(id::text)::uuid"
            " FROM notifications_notification WHERE kind = 'return_received')",
            "1 messages return_received for 2 events",
        ),
    ],
)
def test_the_audit_sees_books_of_a_return_that_disagree(shop, damage, message):
    order = shop.delivered()
    send_back(order)
    deliver_all()
    Return.objects.update(state="approved")  # so that what is awaited counts
    with connection.cursor() as cursor:
        cursor.execute(damage)
    assert any(message in violation for violation in violations()), violations()
