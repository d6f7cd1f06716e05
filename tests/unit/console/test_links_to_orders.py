"""Rows of payments, parcels, events, dead letters and accounts lead to their orders."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse

from payments.models import Payment, Refund
from shipping.models import Shipment
from shop.messaging.models import DeadLetter, EventRecord
from tests.support.rights import staff_with
from tests.unit.shop.messaging.dead_letters.examples import died

LIST_PERMISSIONS = {
    Payment: "payments.view_payment",
    Refund: "payments.view_refund",
    Shipment: "shipping.view_shipment",
    EventRecord: "messaging.view_eventrecord",
}


@pytest.mark.parametrize("model", LIST_PERMISSIONS)
def test_a_row_leads_to_its_order_by_number_for_those_who_may_see_it(model, shop):
    order = shop.stuck_refund()
    model_admin, rows = admin.site.get_model_admin(model), [model.objects.order_by("pk").last()]
    request = RequestFactory().get("/")
    page = reverse("admin:orders_order_change", args=[order.pk])
    for permissions, expected in (
        (("orders.view_order",), f'<a href="{page}">{order.number}</a>'),
        ((), order.number),
    ):
        request.user = staff_with(LIST_PERMISSIONS[model], *permissions, username=f"staff{len(permissions)}")
        model_admin.complete(request, rows)
        assert model_admin.order_page(rows[0]) == expected


def test_what_is_about_no_order_leads_nowhere(shop, client, operator):
    letter = died()
    DeadLetter.objects.filter(pk=letter.pk).update(aggregate_id=None)
    client.force_login(operator)
    answer = client.get(reverse("admin:messaging_deadletter_changelist"))
    assert [row.order_number_shown for row in answer.context["cl"].result_list] == [""]


def test_an_account_leads_to_its_orders(shop, client, operator):
    order = shop.place()
    client.force_login(operator)
    link = f"{reverse('admin:orders_order_changelist')}?customer__exact={order.customer_id}"
    for page in ("auth_user_changelist", "auth_user_change"):
        args = [order.customer_id] if page.endswith("change") else []
        assert f'href="{link}"' in client.get(reverse(f"admin:{page}", args=args)).content.decode()
    found = client.get(link).context["cl"].result_list
    assert [one.number for one in found] == [order.number]
    other = User.objects.exclude(pk=order.customer_id).first()
    assert not client.get(link.replace(str(order.customer_id), str(other.pk))).context["cl"].result_list
