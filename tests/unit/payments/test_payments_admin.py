"""The admin of payments: read-only pages of money, retries of failed refunds, faults of the gateway."""

import pytest
from django.urls import reverse

from payments.models import GatewayFault, Payment, Refund, SimulatedCharge, SimulatedRefund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captures_at_once")]

READ_ONLY = [Payment, Refund, SimulatedCharge, SimulatedRefund]


def url(model, page, *args):
    return reverse(f"admin:payments_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def failed_refund(order, happened, rejected) -> Refund:
    created = happened(order("pm_card_refundFail"))
    happened(rejected(created.order_id))
    return Refund.objects.get()


@pytest.mark.parametrize("model", READ_ONLY)
@pytest.mark.parametrize("query", ["", "?q=ORD-1042", "?q=0197a3f2-0000-7000-8000-000000000000", "?q=a+b"])
def test_lists_show_and_search(admin_client, failed_refund, model, query):
    assert admin_client.get(url(model, "changelist") + query).status_code == 200


def test_payment_is_found_by_order_number_and_id(admin_client, failed_refund):
    for term in ("ORD-1042", failed_refund.payment.order_id):
        page = admin_client.get(url(Payment, "changelist"), {"q": term})
        assert page.context["cl"].result_count == 1


@pytest.mark.parametrize(
    "query", ["?state__exact=requires_payment_method", "?refund=failed", "?stop_reason__isempty=1"]
)
def test_payments_are_filtered(admin_client, failed_refund, query):
    assert admin_client.get(url(Payment, "changelist") + query).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY)
def test_money_and_ledgers_are_read_only(admin_client, failed_refund, model):
    row = model.objects.first()
    assert admin_client.get(url(model, "change", row.pk)).status_code == 200
    assert admin_client.post(url(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert admin_client.get(url(model, "add")).status_code == 403


def test_operator_retries_failed_refunds(admin_client, failed_refund, remind, said):
    chosen = {"action": "retry", "_selected_action": [str(failed_refund.pk)]}
    page = admin_client.post(url(Refund, "changelist"), chosen, follow=True)
    assert "1 refund(s) will be asked for again now." in page.content.decode()

    remind()
    assert said(failed_refund.payment.order_id)[-1] == "PaymentRefunded"
    page = admin_client.post(url(Refund, "changelist"), chosen, follow=True)
    assert "only a failed one can be retried" in page.content.decode()


def test_operator_breaks_and_mends_the_simulated_gateway(admin_client):
    admin_client.post(url(GatewayFault, "add"), {"kind": "outage", "operation": "", "seconds": "0"})
    fault = GatewayFault.objects.get()
    admin_client.post(url(GatewayFault, "delete", fault.pk), {"post": "yes"})
    assert not GatewayFault.objects.exists()
