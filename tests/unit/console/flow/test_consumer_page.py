"""The page of a consumer pauses and resumes it, and the pause is named wherever its absence would puzzle."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from console.audit.runner import audit
from console.home.attention import attention
from console.order_page.standstill import reasons_of
from shop.messaging.consuming import pauses
from shop.messaging.models import Circuit
from shop.messaging.operations.flow import flows

pytestmark = pytest.mark.django_db

CHARGES = "payments.when_order_created_charge_customer"
PAGE = f"/admin/consumers/{CHARGES}/"
SAID = "by olga: the bank asked for it"


@pytest.fixture
def ops(client):
    user = User.objects.create_user("ops", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_workernode", "pause_circuit"]))
    client.force_login(user)
    return client


def test_it_is_paused_and_resumed_with_an_entry_in_the_journal(ops):
    form = {"action": "pause", "reason": "the bank asked for it", "until": "2100-01-01T10:00"}
    page = ops.post(PAGE, form, follow=True).content.decode()
    assert "by ops: the bank asked for it" in page
    circuit = Circuit.objects.get(consumer=CHARGES)
    assert (circuit.paused_by, circuit.paused_until.year) == ("ops", 2100)
    assert ops.post(PAGE, {"action": "resume"}).status_code == 302
    assert Circuit.objects.get(consumer=CHARGES).paused_by == ""
    entries = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    assert list(entries) == [
        (CHARGES, "Paused the consumer: the bank asked for it"),
        (CHARGES, "Resumed the consumer."),
    ]


def test_without_a_reason_or_with_an_end_in_the_past_the_form_is_shown_again(ops):
    assert "This field is required" in ops.post(PAGE, {"action": "pause"}).content.decode()
    past = {"action": "pause", "reason": "a test", "until": "2020-01-01T10:00"}
    assert "has passed" in ops.post(PAGE, past).content.decode()
    assert "is not paused by hand" in ops.post(PAGE, {"action": "resume"}, follow=True).content.decode()
    assert not Circuit.objects.exists()
    assert ops.get("/admin/consumers/payments.nobody/").status_code == 404


def test_the_pause_is_named_with_who_and_why(shop, django_user_model):
    order = shop.place()
    pauses.pause(CHARGES, by="olga", reason="the bank asked for it")
    root = django_user_model.objects.create_superuser("root")
    (item,) = [item for item in attention(root) if item.title == "Paused consumer"]
    assert SAID in item.detail
    assert (item.action, item.url) == ("Resume", PAGE)
    assert SAID in reasons_of(order.pk, root)[0].text
    assert any(SAID in note for note in audit().notes)
    assert flows()[CHARGES].paused_by == "olga"
