"""Guests: an order with an e-mail address alone, its letters, and its way into an account."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from console.erasure import exporting, forgetting
from orders import queries
from orders.errors import OrdersStillOpen
from orders.models import Order
from shop.accounts import guests, mails
from shop.accounts.confirmation import confirm, require_confirmation
from shop.accounts.links import reset_link
from shop.accounts.models import Guest, UnconfirmedAddress
from shop.accounts.order_links import token_for
from tests.support.inprocess import deliver_all
from tests.unit.storefront.conftest import LONDON, filled_form, order_at, order_ids, put_into_basket, text_of

pytestmark = pytest.mark.django_db

EMAIL = "grace@example.com"
FREE_TEXT = "Win at http://evil.example"


@pytest.fixture
def buy_as_guest(visitor):
    """Function that places an order of a mug without an account, and returns it."""

    def place_order(**changes: str):
        put_into_basket(visitor, "MUG")
        answer = visitor.post("/checkout/", filled_form(visitor, email=EMAIL, **changes))
        assert answer.status_code == 302, answer.content.decode()
        return order_at(answer["Location"])

    return place_order


@pytest.fixture
def grace(db) -> User:
    return User.objects.create_user(EMAIL, EMAIL, "correct horse", first_name="Grace", last_name="Hopper")


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def link_to(order) -> str:
    return reverse("storefront:link", args=[token_for(order.summary.id)])


def letters() -> list[str]:
    return [f"{one.to} {one.subject} {one.body} {one.alternatives}" for one in mail.outbox]


# --- Checkout ---


def test_a_guest_orders_with_an_email_address_and_sees_the_order(visitor, buy_as_guest):
    order = buy_as_guest()
    page = visitor.get(f"/orders/{order.summary.number}/")
    assert "Thank you, we have your order" in text_of(page)
    assert (order.summary.customer_email, order.summary.customer_name) == (EMAIL, "")
    assert order.ship_to.name == LONDON["name"]
    assert Client().get(f"/orders/{order.summary.number}/").status_code == 302


@pytest.mark.parametrize("email", ["", "nobody", "a@b"])
def test_a_guest_without_an_email_address_orders_nothing(visitor, email):
    put_into_basket(visitor, "MUG")
    answer = visitor.post("/checkout/", filled_form(visitor, email=email))
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"email"}
    assert not Guest.objects.exists()


def test_a_guests_form_sent_twice_places_one_order(visitor):
    put_into_basket(visitor, "MUG")
    form = filled_form(visitor, email=EMAIL)
    first, second = visitor.post("/checkout/", form), visitor.post("/checkout/", form)
    assert first["Location"] == second["Location"]
    assert Order.objects.count() == Guest.objects.count() == 1


def test_a_guest_who_changes_the_country_keeps_what_was_written(visitor):
    put_into_basket(visitor, "MUG")
    answer = visitor.post("/checkout/", filled_form(visitor, email=EMAIL, refresh="yes"))
    assert f'value="{EMAIL}"' in answer.content.decode()


def test_orders_of_guests_have_limits_by_network_and_by_email_address(visitor, buy_as_guest, settings):
    settings.SHOP_REGISTRATIONS_AN_ADDRESS = 2
    buy_as_guest(), buy_as_guest()
    put_into_basket(visitor, "MUG")
    same = filled_form(visitor, email=EMAIL)
    other = {**same, "email": "other@example.com"}
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert visitor.post("/checkout/", other).status_code == 429
    assert visitor.post("/checkout/", same, **elsewhere).status_code == 429
    assert visitor.post("/checkout/", other, **elsewhere).status_code == 302


# --- The account behind it ---


def test_nobody_logs_in_as_a_guest_or_gets_a_password(visitor, buy_as_guest):
    buy_as_guest()
    user = Guest.objects.get().user
    assert not user.has_usable_password()
    assert user.email == ""
    visitor.post("/accounts/password/forgotten/", {"email": EMAIL})
    mails.send_due()
    assert not any("password" in letter for letter in letters())
    reset = reset_link("", user)
    assert "new_password1" not in Client().get(reset, follow=True).content.decode() or not user.is_active
    user.set_password("known")
    user.save()
    assert not Client().login(username=user.username, password="known")


def test_a_guests_address_can_still_be_registered(visitor, buy_as_guest):
    buy_as_guest()
    data = {"first_name": "Grace", "last_name": "Hopper", "email": EMAIL}
    visitor.post("/accounts/register/", {**data, "password1": "a horse 1906", "password2": "a horse 1906"})
    assert User.objects.get(email=EMAIL).has_usable_password()


def test_orders_with_one_address_share_an_account_until_it_is_claimed(buy_as_guest, grace):
    first, second = buy_as_guest(), buy_as_guest()
    assert first.summary.customer_id == second.summary.customer_id
    guests.claim(grace)
    assert buy_as_guest().summary.customer_id != first.summary.customer_id


# --- Letters ---


def test_the_first_letter_has_number_sum_and_link_and_nothing_that_was_written(buy_as_guest):
    order = buy_as_guest(name=FREE_TEXT, street=FREE_TEXT, city=FREE_TEXT)
    deliver_all()
    received = letters()[0]
    assert order.summary.number in received
    assert "12.90 EUR" in received
    assert re.search(r"/o/[\w:%-]+/", received)
    for letter in letters():
        assert letter.startswith(f"['{EMAIL}']")
        assert "evil.example" not in letter
        assert "Hello," in letter


# --- Claims ---


def test_who_opens_the_link_with_a_confirmed_equal_address_has_the_order_in_the_list(buy_as_guest, grace):
    order = buy_as_guest()
    client = logged_in(grace)
    assert order.summary.number not in text_of(client.get("/orders/"))
    client.get(link_to(order), follow=True)
    assert order.summary.number in text_of(client.get("/orders/"))
    elsewhere = logged_in(grace)
    assert elsewhere.get(f"/orders/{order.summary.number}/").status_code == 200


def test_another_account_sees_the_order_by_its_link_and_does_not_get_it(buy_as_guest, bob):
    order = buy_as_guest()
    client = logged_in(bob)
    assert client.get(link_to(order), follow=True).status_code == 200
    assert order.summary.number not in text_of(client.get("/orders/"))
    assert logged_in(bob).get(f"/orders/{order.summary.number}/").status_code == 404


def test_an_address_that_is_not_confirmed_claims_nothing_until_it_is(buy_as_guest, grace):
    order = buy_as_guest()
    require_confirmation(user=grace, email=EMAIL, site="")
    client = logged_in(grace)
    client.get(link_to(order), follow=True)
    assert order.summary.number not in text_of(client.get("/orders/"))
    confirm(UnconfirmedAddress.objects.get(user=grace), site="")
    assert order.summary.number in text_of(client.get("/orders/"))


def test_an_old_link_claims_nothing(buy_as_guest, grace, settings):
    order = buy_as_guest()
    settings.SHOP_ORDER_LINK_LIFETIME = timedelta(minutes=-1)
    logged_in(grace).get(link_to(order), follow=True)
    assert Guest.objects.get().claimed_by is None


# --- Personal data ---


def test_a_guest_is_found_and_forgotten_by_the_address(buy_as_guest):
    order = buy_as_guest()
    with pytest.raises(OrdersStillOpen):
        forgetting.forget(forgetting.find_customer(EMAIL.upper()))
    Order.objects.update(status="delivered")
    forgetting.forget(forgetting.find_customer(EMAIL))
    assert not Guest.objects.exists()
    assert Client().get(link_to(order))["Location"].endswith("/link/")


def test_with_an_account_the_guests_that_it_has_claimed_are_exported_and_forgotten(buy_as_guest, grace):
    order = buy_as_guest()
    guests.claim(grace)
    tables = exporting.rows_about(grace)
    assert [row["serial"] for row in tables["orders_order"]] == [queries.serial_of(order.summary.number)]
    with pytest.raises(OrdersStillOpen):
        forgetting.forget(grace)
    Order.objects.update(status="delivered")
    forgetting.forget(grace)
    assert Client().get(link_to(order))["Location"].endswith("/link/")
    assert not Guest.objects.exists()
    assert order_ids(grace) == []
