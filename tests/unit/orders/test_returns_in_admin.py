"""Returns in the admin: each page says the effect before anything happens, and acts once."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from orders.models import RefundRequest, Return
from orders.returns.services import approve_return, request_return
from tests.support import outcomes
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered(place):
    """Two teapots and a kettle, delivered just now: 138.90 EUR."""
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    outcomes.delivered(order)
    return order


@pytest.fixture
def asked(delivered):
    return request_return(order_id=delivered.pk, lines={"TEAPOT": 2}, reason="a crack", by_customer=True)


@pytest.fixture
def approved(asked):
    return approve_return(order_id=asked.order_id, return_id=asked.pk)


def page_of(returned, act="change"):
    return reverse(f"admin:orders_return_{act}", args=[returned.pk])


def shown(client, page, data):
    return client.post(page, data).content.decode()


def test_staff_asks_for_a_return_once(admin_client, delivered):
    page = reverse("admin:orders_order_return", args=[delivered.pk])
    assert (
        page in admin_client.get(reverse("admin:orders_order_change", args=[delivered.pk])).content.decode()
    )
    kettle = f"quantity_{delivered.lines.get(sku='KETTLE').pk}"
    key = str(admin_client.get(page).context["form"]["attempt"].value())
    data = {kettle: "1", "reason": "she phoned", "attempt": key}
    assert "A return of 1 x KETTLE is asked for" in shown(admin_client, page, data)
    assert not Return.objects.exists()
    for _ in range(2):
        assert admin_client.post(page, {**data, "confirmed": "on"}).status_code == 302
    made = Return.objects.get()
    assert (made.taken, made.by_customer, made.reason) == ({"KETTLE": 1}, False, "she phoned")
    assert LogEntry.objects.get().change_message == "Asked for a return."


@pytest.mark.parametrize(
    ("act", "data", "effect", "state"),
    [
        ("approve", {}, "They have 21 days to come", "approved"),
        ("refuse", {"reason": "it was used"}, "is told the reason", "rejected"),
        ("withdraw", {}, "stay with the customer", "cancelled"),
    ],
)
def test_a_decision_is_shown_and_then_taken(admin_client, asked, act, data, effect, state):
    assert page_of(asked, act) in admin_client.get(page_of(asked)).content.decode()
    assert effect in shown(admin_client, page_of(asked, act), data)
    assert Return.objects.get().state == "requested"
    admin_client.post(page_of(asked, act), {**data, "confirmed": "on"})
    assert Return.objects.get().state == state
    assert page_of(asked, act) not in admin_client.get(page_of(asked)).content.decode()
    assert "cannot be" in shown(admin_client, page_of(asked, act), {**data, "confirmed": "on"})


def test_a_receipt_says_what_goes_where(admin_client, approved):
    line = approved.lines.get().pk
    data = {f"restocked_{line}": "1", f"written_off_{line}": "1"}
    page = shown(admin_client, page_of(approved, "receive"), data)
    assert "1 x TEAPOT go into the stock. 1 x TEAPOT are written off. 49.90 EUR go back" in page
    assert not RefundRequest.objects.exists()
    admin_client.post(page_of(approved, "receive"), {**data, "confirmed": "on"})
    assert Return.objects.get().state == "received"
    assert str(RefundRequest.objects.get().money) == "49.90 EUR"
    assert "49.90 EUR, requested" in admin_client.get(page_of(approved)).content.decode()


def test_another_amount_or_nothing_is_offered_to_those_who_may_refund(client, admin_client, approved):
    line = approved.lines.get().pk
    data = {f"written_off_{line}": "1"}
    page = page_of(approved, "receive")
    assert "5.00 EUR go back" in shown(admin_client, page, {**data, "amount": "5.00"})
    assert "Nothing is given back" in shown(admin_client, page, {**data, "nothing": "on"})
    client.force_login(staff_with("orders.view_return", "orders.receive_return"))
    assert "amount" not in client.get(page).context["form"].fields
    assert "24.95 EUR go back" in shown(client, page, {**data, "amount": "5.00", "nothing": "on"})


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "at least one quantity"),
        ({"restocked": "2", "written_off": "1"}, "2 of TEAPOT are awaited"),
        ({"restocked": "1", "amount": "138.91"}, "Only 138.90 EUR"),
        ({"restocked": "1", "amount": "1.001"}, "fewer decimals"),
        ({"restocked": "1", "amount": "1.00", "nothing": "on"}, "Leave it out"),
    ],
)
def test_the_admin_says_what_is_wrong(admin_client, approved, counts, message):
    line = approved.lines.get().pk
    data = {
        f"{name}_{line}" if name in ("restocked", "written_off") else name: n for name, n in counts.items()
    }
    assert message in shown(admin_client, page_of(approved, "receive"), {**data, "confirmed": "on"})
    assert Return.objects.get().state == "approved"


def test_the_list_of_returns_says_what_is_awaited(admin_client, approved):
    listed = admin_client.get(reverse("admin:orders_return_changelist")).content.decode()
    assert "2 x TEAPOT (0 here)" in listed
