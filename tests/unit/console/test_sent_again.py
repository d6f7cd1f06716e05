"""Orders that are sent again: the chain from the operator's act to the end, and the audit of all books."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from rest_framework.test import APIClient

from console.audit import audit
from inventory.models import Product
from orders.errors import NotResendable, ReasonMissing
from orders.events import Address
from orders.models import Order
from orders.resending import resend_order
from orders.snapshots import all_drifts
from shipping.erasure import erase_shipments
from shipping.models import CarrierFault, Shipment, SimulatedLabel
from shipping.resending import Resend, send_again
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support.inprocess import deliver_all, fire_reminders, fire_retries

LOST, RETURNED, LATE = "EZ_LOST Lane", "EZ5000000005 Mews", "EZ_LATE Road"
ELSEWHERE = Address(name="Bob", street="2 Safe Street", city="Oxford", postal_code="OX2 2AA", country="GB")
AWAY = Address(name="Bob", street="EZ6000000006", city="Oxford", postal_code="OX2 2AA", country="GB")


@pytest.fixture
def failed(shop, settings):
    """Return a function that makes an order whose parcel does not arrive."""
    settings.SHOP_TRACKING_INTERVAL = timedelta(hours=1)

    def make(street=LOST):
        order = shop.place(street=street)
        deliver_all()
        for _ in range(3):
            fire_reminders()
        return shop.expect_status(order, "needs_attention")

    return make


def again(order, *, new_goods=False, ship_to=ELSEWHERE):
    resend_order(order_id=order.pk, reason="it was lost", new_goods=new_goods, ship_to=ship_to)
    deliver_all()


def travel():
    for _ in range(4):
        fire_reminders()


def shipments(order):
    return list(Shipment.objects.filter(order_id=order.pk).order_by("round"))


def said(order):
    records = EventRecord.objects.filter(aggregate_id=order.pk).order_by("position")
    return [record.type.split(".")[1] for record in records]


def stock():
    return dict(Product.objects.values_list("sku", "available"))


def books_agree():
    assert [str(violation) for violation in audit(idle=True).violations] == []
    assert list(all_drifts()) == []
    return True


def test_a_parcel_that_came_back_is_sent_again_to_another_address_and_arrives(shop, failed):
    order = failed(RETURNED)
    before = stock()
    again(order)
    shop.expect_status(order, "shipped")
    first, second = shipments(order)
    assert (first.state, second.state, second.street) == ("returned", "shipped", "2 Safe Street")
    assert second.idempotency_key != first.idempotency_key
    travel()

    shop.expect_status(order, "delivered")
    assert stock() == before
    assert said(order)[-3:] == ["OrderResendRequested", "OrderReshipped", "OrderDelivered"]
    assert books_agree()


def test_goods_that_were_lost_are_taken_from_the_stock_again(shop, failed):
    order = failed()
    before = stock()
    again(order, new_goods=True)
    travel()

    shop.expect_status(order, "delivered")
    taken = {sku: before[sku] - left for sku, left in stock().items() if left != before[sku]}
    assert taken == {"TEA-MINT": 2, "MUG": 1}
    assert books_agree()


def test_an_order_that_the_stock_cannot_serve_again_needs_attention_and_takes_nothing(shop, failed):
    order = failed()
    Product.objects.filter(sku="MUG").update(available=0)
    before = stock()
    again(order, new_goods=True)

    shop.expect_status(order, "needs_attention")
    order.refresh_from_db()
    assert order.attention_reason == "resend_failed"
    assert stock() == before
    assert [shipment.state for shipment in shipments(order)] == ["lost", "failed"]
    assert SimulatedLabel.objects.filter(status="booked").count() == 1


def test_goods_go_back_if_the_carrier_refuses_the_second_parcel_and_another_try_succeeds(shop, failed):
    order = failed()
    before = stock()
    again(order, new_goods=True, ship_to=AWAY)
    shop.expect_status(order, "needs_attention")
    assert stock() == before
    assert books_agree()

    again(order, new_goods=True)
    travel()
    shop.expect_status(order, "delivered")
    assert [shipment.state for shipment in shipments(order)] == ["lost", "failed", "delivered"]
    assert books_agree()


def test_a_second_parcel_that_fails_too_needs_attention_again(shop, failed):
    order = failed()
    again(order, ship_to=ELSEWHERE.model_copy(update={"street": RETURNED}))
    travel()
    shop.expect_status(order, "needs_attention")
    assert said(order).count("OrderNeedsAttention") == 2
    assert books_agree()


def test_a_parcel_that_comes_late_after_all_ends_the_order(shop, failed):
    order = failed(LATE)
    fire_reminders()
    shop.expect_status(order, "delivered")
    assert shipments(order)[0].state == "delivered"
    assert books_agree()


def test_of_two_parcels_that_arrive_the_first_is_told(shop, failed):
    order = failed(LATE)
    again(order, ship_to=ELSEWHERE)
    travel()
    shop.expect_status(order, "delivered")
    assert [shipment.state for shipment in shipments(order)] == ["delivered", "delivered"]
    assert said(order).count("OrderDelivered") == 1
    assert books_agree()


def test_a_lost_parcel_is_looked_for_a_while_and_no_longer(shop, failed):
    order = failed()
    looks = 0
    while ScheduledMessage.objects.filter(aggregate_id=order.pk).exists() and looks < 100:
        fire_reminders()
        looks += 1
    assert 10 < looks < 20
    shop.expect_status(order, "needs_attention")


def test_a_repeated_request_books_one_parcel(shop, failed):
    order = failed()
    again(order)
    with pytest.raises(NotResendable, match="not known to be lost"):
        again(order)
    assert len(shipments(order)) == 2


def test_a_request_that_is_carried_out_twice_leaves_the_parcel_on_its_way(shop, failed):
    order = failed()
    again(order)
    second = shipments(order)[1]
    send_again(Resend(order.pk, second.pk, order.number, second.destination, new_goods=False))
    assert [shipment.state for shipment in shipments(order)] == ["lost", "shipped"]
    assert SimulatedLabel.objects.count() == 2


def test_a_second_parcel_waits_while_the_carrier_is_away(shop, failed):
    order = failed()
    outage = CarrierFault.objects.create(kind="outage")
    again(order)
    assert shipments(order)[1].state == "booking"
    outage.delete()
    fire_retries()
    assert shipments(order)[1].state == "shipped"
    assert SimulatedLabel.objects.count() == 2


def test_an_order_on_its_way_or_without_a_reason_is_not_sent_again(shop, failed):
    with pytest.raises(NotResendable):
        again(shop.shipped())
    order = failed()
    with pytest.raises(ReasonMissing):
        resend_order(order_id=order.pk, reason=" ", new_goods=False)


def test_the_other_address_is_sealed_in_the_log_and_erased_with_the_customer(shop, failed):
    order = failed()
    again(order)
    texts = "".join(str(record.data) for record in EventRecord.objects.filter(aggregate_id=order.pk))
    assert "Safe Street" not in texts

    erase_shipments(order_ids=[order.pk])
    assert "Safe Street" not in str(list(Shipment.objects.values())) + str(
        list(SimulatedLabel.objects.values())
    )


@pytest.fixture
def operator(shop):
    client = APIClient()
    client.force_authenticate(User.objects.get(username="operator"))
    return client


def test_the_api_sends_an_order_again(shop, failed, operator):
    order = failed()
    url = reverse("order-resend", args=[order.pk])
    body = {"goods": "returned", "reason": "came back", "ship_to": ELSEWHERE.model_dump()}
    headers = {"Idempotency-Key": "again"}
    answers = [operator.post(url, body, format="json", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    deliver_all()
    assert [shipment.street for shipment in shipments(order)] == ["EZ_LOST Lane", "2 Safe Street"]

    late = operator.post(url, body, format="json", headers={"Idempotency-Key": "once more"})
    assert late.status_code == 409
    without = operator.post(url, {"goods": "old"}, format="json", headers={"Idempotency-Key": "wrong"})
    assert {error["field"] for error in without.json()["errors"]} == {"goods", "reason"}


def test_a_wrong_address_is_refused_in_words_for_its_field(shop, failed, operator):
    order = failed()
    url = reverse("order-resend", args=[order.pk])
    wrong = ELSEWHERE.model_dump() | {"postal_code": ""}
    body = {"goods": "returned", "reason": "came back", "ship_to": wrong}
    answer = operator.post(url, body, format="json", headers={"Idempotency-Key": "again"})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["ship_to.postal_code"]


def test_the_admin_asks_for_goods_reason_and_address(shop, failed, client):
    client.force_login(User.objects.get(username="operator"))
    order = failed()
    url = reverse("admin:orders_order_resend", args=[order.pk])
    assert url.encode() in client.get(reverse("admin:orders_order_change", args=[order.pk])).content
    assert b"Send again?" in client.get(url).content
    given = {"goods": "new", "reason": "lost", "other_address": "on", **ELSEWHERE.model_dump()}
    assert client.post(url, given | {"postal_code": ""}).status_code == 200
    assert client.post(url, given).status_code == 302
    deliver_all()
    assert Order.objects.get(pk=order.pk).status == "shipped"
    assert [shipment.street for shipment in shipments(order)] == ["EZ_LOST Lane", "2 Safe Street"]
