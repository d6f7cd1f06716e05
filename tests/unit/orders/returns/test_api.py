"""Returns by the REST API."""

import pytest
from django.contrib.admin.models import LogEntry

from orders.models import RefundRequest, Return
from tests.support.rights import staff_with
from tests.unit.orders.rest import client_of
from tests.unit.orders.returns.support import approved

pytestmark = pytest.mark.django_db


CRACKED = {"lines": [{"sku": "TEAPOT", "quantity": 1}], "reason": "It has a crack"}


@pytest.fixture
def rita(db):
    """She decides and receives."""
    rights = ("view_return", "request_return", "decide_return", "receive_return")
    return client_of(staff_with(*(f"orders.{right}" for right in rights)))


def url_of(order, *parts):
    return "/".join([f"/api/v1/orders/{order.pk}/returns", *map(str, parts)])


def post(client, url, body=None, key="a-key"):
    return client.post(url, body or {}, format="json", headers={"Idempotency-Key": key})


def test_the_way_of_a_return_by_the_api(delivered, as_ada, rita):
    asked = post(as_ada, url_of(delivered), CRACKED)
    assert asked.status_code == 201
    made = asked.json()
    assert (made["state"], made["by_customer"]) == ("requested", True)
    assert as_ada.get(asked["Location"]).json() == made
    assert post(rita, url_of(delivered, made["id"], "approve")).json()["state"] == "approved"
    body = {"lines": [{"sku": "TEAPOT", "restocked": 1}]}
    done = post(rita, url_of(delivered, made["id"], "receive"), body).json()
    assert (done["state"], done["lines"][0]["restocked"]) == ("received", 1)
    assert done["receipts"][0]["refund"]["amount"] == {"amount": "24.95", "currency": "EUR"}
    assert as_ada.get(url_of(delivered)).json() == [done]
    entries = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert [text.split(" (")[0] for text in entries] == ["Approved a return.", "Received goods of a return."]


def test_the_same_key_asks_once_and_receives_once(delivered, as_ada, rita):
    answers = [post(as_ada, url_of(delivered), CRACKED) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    return_id = answers[0].json()["id"]
    post(rita, url_of(delivered, return_id, "approve"))
    body = {"lines": [{"sku": "TEAPOT", "written_off": 1}]}
    for _ in range(3):
        assert post(rita, url_of(delivered, return_id, "receive"), body).status_code == 200
    assert RefundRequest.objects.count() == Return.objects.count() == 1
    assert as_ada.post(url_of(delivered), CRACKED, format="json").status_code == 400  # no key


def test_a_customer_withdraws_own_returns_and_decides_nothing(delivered, as_ada, as_bob):
    made = post(as_ada, url_of(delivered), CRACKED).json()["id"]
    for act in ("approve", "reject", "receive"):
        assert post(as_ada, url_of(delivered, made, act), {"reason": "no"}, key=act).status_code == 403
    for path in ((), (made,)):
        assert as_bob.get(url_of(delivered, *path)).status_code == 404
    assert post(as_bob, url_of(delivered, made, "cancel")).status_code == 404
    assert post(as_ada, url_of(delivered, made, "cancel")).json()["state"] == "cancelled"
    assert post(as_ada, url_of(delivered, made, "cancel"), key="b").status_code == 409
    assert not LogEntry.objects.exists()


def test_a_refusal_is_told_with_its_reason(delivered, as_ada, rita):
    made = post(as_ada, url_of(delivered), CRACKED).json()["id"]
    assert post(rita, url_of(delivered, made, "reject"), {"reason": "\u200b"}).status_code == 400
    post(rita, url_of(delivered, made, "reject"), {"reason": "It was used"})
    assert as_ada.get(url_of(delivered, made)).json()["refusal"] == "It was used"


def test_another_amount_takes_the_permission_to_refund(delivered, rita):
    returned = approved(delivered, TEAPOT=2)
    fiona = client_of(
        staff_with("orders.view_return", "orders.receive_return", "orders.refund_order", username="fiona")
    )
    url = url_of(delivered, returned.pk, "receive")
    for other in ({"refund": False}, {"amount": {"amount": "5.00", "currency": "EUR"}}):
        body = {"lines": [{"sku": "TEAPOT", "written_off": 1}], **other}
        assert post(rita, url, body).status_code == 403
        assert post(fiona, url, body, key=str(other)).status_code == 200
    assert [str(refund.money) for refund in RefundRequest.objects.all()] == ["5.00 EUR"]


WRONG = [
    {"reason": "nothing"},
    {**CRACKED, "lines": []},
    {**CRACKED, "lines": [{"sku": "SPOON", "quantity": 1}]},
    {**CRACKED, "lines": [{"sku": "TEAPOT", "quantity": 0}]},
    {**CRACKED, "reason": " "},
    {**CRACKED, "reason": "x" * 301},
    {**CRACKED, "whim": True},
]


@pytest.mark.parametrize("body", WRONG)
def test_a_request_that_is_wrong_is_refused_by_its_field(delivered, as_ada, body):
    answer = post(as_ada, url_of(delivered), body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Return.objects.exists()


def test_what_the_order_does_not_allow_is_a_conflict(delivered, place, as_ada):
    too_many = {**CRACKED, "lines": [{"sku": "TEAPOT", "quantity": 3}]}
    assert "at most 2" in post(as_ada, url_of(delivered), too_many).json()["detail"]
    assert post(as_ada, url_of(place()), CRACKED, key="b").status_code == 409
