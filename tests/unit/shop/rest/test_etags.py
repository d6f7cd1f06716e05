"""ETags: nobody decides on an outdated representation without noticing, and none is sent twice."""

import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from inventory import services as inventory
from orders import services as orders
from orders.events import Address
from orders.intake import OrderRequest
from orders.models import Order
from orders.states import AttentionReason, Status
from payments.models import Payment, Refund
from shop.ids import uuid7
from tests.support import outcomes

pytestmark = pytest.mark.django_db

STOCK = "/api/v1/stock/MUG"
BROKEN = {"quantity": -1, "reason": "Broken"}


@pytest.fixture
def olga(db) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("olga", "olga@example.com"))
    return client


@pytest.fixture
def mug(db):
    return inventory.add_product(sku="MUG", name="Mug", price="1.00", stock=10)


@pytest.fixture
def order(mug) -> Order:
    where = Address(name="Ada", street="B", city="C", postal_code="D", country="GB")
    request = OrderRequest(lines=[("MUG", 1)], ship_to=where, payment_method="pm_card_visa")
    return orders.place_order(customer=User.objects.create_user("ada"), request=request)


def adjust(client, key, etag):
    headers = {"Idempotency-Key": key, "If-Match": etag}
    return client.post(f"{STOCK}/adjust", BROKEN, format="json", headers=headers)


def test_the_stock_is_adjusted_as_it_was_read(olga, mug):
    etag = olga.get(STOCK)["ETag"]
    assert adjust(olga, "k-1", etag).status_code == 200
    refused = adjust(olga, "k-2", etag)
    assert (refused.status_code, json.loads(refused.content)["code"]) == (412, "precondition_failed")
    assert olga.get(STOCK).json()["available"] == 9
    assert adjust(olga, "k-3", olga.get(STOCK)["ETag"]).json()["available"] == 8


def test_a_repeat_gets_its_answer_although_the_stock_has_changed_by_itself(olga, mug):
    etag = olga.get(STOCK)["ETag"]
    first = adjust(olga, "k-1", etag)
    assert adjust(olga, "k-1", etag).content == first.content


@pytest.mark.parametrize(
    ("header", "status"), [("*", 200), ("nonsense", 412), ('W/"1"', 412), ('"1", "2"', 412)]
)
def test_if_match_is_read_as_http_says(olga, mug, header, status):
    assert adjust(olga, "k-1", header).status_code == status


def test_an_order_is_cancelled_as_it_was_read(olga, order):
    url = f"/api/v1/orders/{order.pk}"
    etag = olga.get(url)["ETag"]
    outcomes.record_payments(order_ids=[order.pk])
    assert olga.post(f"{url}/cancel", headers={"If-Match": etag}).status_code == 412
    assert Order.objects.get().status == "paid"
    assert olga.post(f"{url}/cancel", headers={"If-Match": olga.get(url)["ETag"]}).status_code == 202


@pytest.mark.parametrize(
    ("act", "body", "status"), [("resume", {}, "paid"), ("settle", {"reason": "Sent by hand"}, "settled")]
)
def test_a_held_up_order_is_decided_on_as_it_was_read(olga, order, act, body, status):
    reason = AttentionReason.BOOKS_DIFFER if act == "resume" else AttentionReason.DELIVERY_FAILED
    url = f"/api/v1/orders/{order.pk}"
    outdated = olga.get(url)["ETag"]
    came_from = Status.PAID if act == "resume" else Status.SHIPPED
    Order.objects.update(status="needs_attention", attention_reason=reason, attention_stage=came_from)
    refused = olga.post(f"{url}/{act}", body, format="json", headers={"If-Match": outdated})
    assert (refused.status_code, Order.objects.get().status) == (412, "needs_attention")
    present = olga.get(url)["ETag"]
    decided = olga.post(f"{url}/{act}", body, format="json", headers={"If-Match": present})
    assert (decided.status_code, decided.json().get("status")) == (200, status), decided.json()


@pytest.mark.parametrize(("act", "body"), [("retry", None), ("given-back", {"reason": "In cash"})])
def test_a_failed_refund_is_decided_on_as_it_was_read(olga, act, body):
    payment = Payment.objects.create(
        order_id=uuid7(),
        order_number="ORD-1",
        amount=Decimal(5),
        amount_captured=Decimal(5),
        currency="EUR",
        state="succeeded",
    )
    refund = Refund.objects.create(payment=payment, amount=Decimal(5), currency="EUR", state="requested")
    url = f"/api/v1/payments/{payment.pk}"
    outdated = olga.get(url)["ETag"]
    Refund.objects.update(state="failed")

    def decide(key, etag):
        headers = {"Idempotency-Key": key, "If-Match": etag}
        return olga.post(f"{url}/refunds/{refund.pk}/{act}", body, format="json", headers=headers)

    assert decide("k-1", outdated).status_code == 412
    assert Refund.objects.get().state == "failed"
    assert decide("k-2", olga.get(url)["ETag"]).status_code in {200, 202}
    assert Refund.objects.get().state != "failed"


def test_what_the_client_has_is_not_sent_again(olga, order):
    for url in (STOCK, "/api/v1/products/MUG", f"/api/v1/orders/{order.pk}"):
        first = olga.get(url)
        again = olga.get(url, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert olga.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
