"""A customer confirms a payment, or pays by other means after a decline, on the order's page."""

import re

import pytest

from orders.models import Order, PaymentAttempt
from payments.models import Payment
from tests.support.inprocess import deliver_all
from tests.support.simulators import reach_shop_at_once
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db

DECLINED = "pm_card_visa_chargeDeclined"


@pytest.fixture
def page_of(customer):
    return lambda order: customer.get(f"/orders/{order.summary.number}/")


@pytest.fixture
def declined(buy):
    order = buy(payment_method=DECLINED)
    deliver_all()
    return order


def pay(customer, order, card: str = "pm_card_visa"):
    path = f"/orders/{order.summary.number}/pay/"
    form = customer.get(path)
    data = {"payment_method": card, "attempt": str(form.context["form"]["attempt"].value())}
    return path, data, customer.post(path, data)


def test_a_declined_card_is_told_and_another_one_pays(declined, customer, page_of):
    page = page_of(declined)
    assert "The payment did not succeed" in text_of(page)
    assert 'id="pay"' in page.content.decode()
    _, _, answer = pay(customer, declined)
    assert answer.status_code == 302
    deliver_all()
    assert Payment.objects.get().state == "succeeded" or Payment.objects.get().is_held
    assert Order.objects.get().status != "placed"
    assert 'id="pay"' not in page_of(declined).content.decode()


def test_a_form_that_is_sent_twice_pays_once(declined, customer):
    path, data, _ = pay(customer, declined, DECLINED)
    deliver_all()
    assert customer.post(path, data).status_code == 302
    assert PaymentAttempt.objects.filter(number__gt=1).count() == 1


def test_a_payment_to_be_confirmed_leads_to_the_bank(buy, customer, page_of, monkeypatch):
    reach_shop_at_once(monkeypatch)
    order = buy(payment_method="pm_card_authenticationRequired")
    deliver_all()
    page = page_of(order)
    assert "Please confirm the payment" in text_of(page)
    (url,) = re.findall(r'href="([^"]+)" id="confirm-payment"', page.content.decode())
    path = "/" + url.split("/", 3)[3]
    assert customer.post(path, {"answer": "confirm"}).status_code == 302
    deliver_all()
    assert Order.objects.get().status != "placed"


def test_an_order_that_waits_for_nothing_is_not_paid_again(buy, customer):
    order = buy()
    deliver_all()
    answer = customer.get(f"/orders/{order.summary.number}/pay/")
    assert answer.status_code == 302
    assert PaymentAttempt.objects.count() == 0


def test_an_order_of_somebody_else_is_not_found(declined, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("eve"))
    assert client.get(f"/orders/{declined.summary.number}/pay/").status_code == 404


def test_a_card_that_is_none_is_refused(declined, customer):
    _, _, answer = pay(customer, declined, "pm_card_nonsense")
    assert answer.status_code == 422
    assert not PaymentAttempt.objects.filter(number__gt=1).exists()
