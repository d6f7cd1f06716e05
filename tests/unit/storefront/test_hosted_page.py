"""A customer pays on the provider's page: no card is asked for, and the way there needs no script."""

import re

import pytest

from orders.models import Order, PaymentAttempt
from payments.models import Payment
from payments.services import check_payment
from tests.support.inprocess import deliver_all
from tests.support.stripe.checkout import expire, give_card
from tests.support.stripe.fixtures import stand_in, stripe_api  # noqa: F401 - fixtures
from tests.unit.storefront.conftest import filled_form, put_into_basket, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(stripe_api):  # noqa: F811
    return stripe_api.account


@pytest.fixture
def order(account, customer):
    """Order of Ada's, placed without a card."""
    put_into_basket(customer, "MUG", 2)
    form = filled_form(customer)
    del form["payment_method"]
    answer = customer.post("/checkout/", form)
    placed = Order.objects.get()
    assert answer["Location"] == f"/orders/{placed.number}/payment/"
    return placed


def refresh_of(answer):
    return re.findall(r'http-equiv="refresh" content="([^"]+)"', answer.content.decode())


def test_the_checkout_has_no_cards(account, customer):
    put_into_basket(customer, "MUG", 1)
    page = customer.get("/checkout/")
    assert "pm_card" not in page.content.decode()
    assert "You pay on the next page" in text_of(page)


def test_the_customer_is_led_to_the_page_as_soon_as_it_is_there(account, customer, order):
    path = f"/orders/{order.number}/payment/"
    assert refresh_of(customer.get(path)) == ["1"]
    deliver_all()
    (session,) = account.sessions.values()
    page = customer.get(path)
    assert refresh_of(page) == [f"0;url={session['url']}"]
    assert f'href="{session["url"]}"' in page.content.decode()
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_customer_who_came_back_can_pay_later_and_sees_the_order_paid(account, customer, order):
    deliver_all()
    (session,) = account.sessions.values()
    waits = customer.get(f"/orders/{order.number}/")
    assert "Please pay your order" in text_of(waits)
    assert f'href="{session["url"]}" id="confirm-payment">Pay now<' in waits.content.decode()
    assert 'id="pay"' not in waits.content.decode(), "the page takes other cards itself"

    give_card(account, session["id"], "pm_card_visa")
    back = customer.get(session["success_url"].removeprefix("http://localhost:8000"))
    assert back["Location"] == f"/orders/{order.number}/"


def test_a_page_that_expired_is_replaced_by_another(account, customer, order):
    deliver_all()
    expire(account, Payment.objects.get().reference)
    check_payment(order_id=order.pk)
    deliver_all()
    assert customer.get(f"/orders/{order.number}/payment/")["Location"] == f"/orders/{order.number}/"
    path = f"/orders/{order.number}/pay/"
    form = customer.get(path)
    assert "pm_card" not in form.content.decode()
    data = {"attempt": str(form.context["form"]["attempt"].value())}
    assert customer.post(path, data)["Location"] == f"/orders/{order.number}/payment/"
    deliver_all()
    assert PaymentAttempt.objects.get(number=2).order_id == order.pk
    assert [one["status"] for one in account.sessions.values()] == ["expired", "open"]


def test_the_page_of_anothers_order_is_not_found(order, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("eve"))
    assert client.get(f"/orders/{order.number}/payment/").status_code == 404
