"""Registration, login and logout of customers."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.unit.storefront.conftest import put_into_basket, text_of

pytestmark = pytest.mark.django_db

GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "Grace@Example.com",
    "password1": "compile-1952",
    "password2": "compile-1952",
}


def test_a_new_customer_gets_an_account_and_is_in(visitor):
    answer = visitor.post("/accounts/register/", GRACE, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "Your account is ready." in text_of(answer)
    assert "Log out" in text_of(answer)
    grace = User.objects.get()
    assert (grace.email, grace.get_full_name(), grace.is_staff) == (
        "grace@example.com",
        "Grace Hopper",
        False,
    )


def test_the_new_customer_logs_in_by_e_mail_however_written(visitor):
    visitor.post("/accounts/register/", GRACE)
    other_device = Client()
    answer = other_device.post(
        "/accounts/login/", {"username": "GRACE@example.com", "password": GRACE["password1"]}
    )
    assert answer["Location"] == "/"


def test_nobody_becomes_staff_by_registering(visitor):
    visitor.post("/accounts/register/", {**GRACE, "is_staff": "on", "is_superuser": "on", "username": "root"})
    grace = User.objects.get()
    assert (grace.is_staff, grace.is_superuser, grace.username) == (False, False, "grace@example.com")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("email", "", "Enter your e-mail address"),
        ("email", "grace", "Enter a valid email address."),
        ("email", "ada@example.com", "There is an account with this address: log in instead."),
        ("email", "ADA@EXAMPLE.COM", "There is an account with this address: log in instead."),
        ("email", f"{'g' * 60}@{'a' * 60}.{'b' * 60}.com", "This address is too long for us"),
        ("first_name", "", "Enter your first name."),
        ("password1", "short", "didn’t match"),
        ("password2", "another-1952", "didn’t match"),
    ],
)
def test_a_wrong_detail_is_refused_next_to_its_field(ada, client, field, value, says):
    answer = client.post("/accounts/register/", {**GRACE, field: value})
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert User.objects.count() == 1


def test_a_weak_password_is_refused(visitor):
    answer = visitor.post("/accounts/register/", {**GRACE, "password1": "hopper", "password2": "hopper"})
    assert "This password is too short" in text_of(answer)


def test_a_wrong_password_says_what_to_do(ada, client):
    answer = client.post("/accounts/login/", {"username": "ada", "password": "wrong"})
    assert "check both, or create an account" in text_of(answer)


def test_the_basket_survives_logging_in_and_leads_on(ada, visitor):
    put_into_basket(visitor, "MUG", 3)
    to_login = visitor.get("/checkout/")["Location"]
    assert to_login == "/accounts/login/?next=/checkout/"
    login = {"username": "ada", "password": "correct horse", "next": "/checkout/"}
    answer = visitor.post("/accounts/login/", login, follow=True)
    assert answer.redirect_chain == [("/checkout/", 302)]
    assert "3 × Blue mug" in text_of(answer)


def test_registering_on_the_way_leads_on_too(visitor):
    put_into_basket(visitor, "MUG")
    answer = visitor.post("/accounts/register/", {**GRACE, "next": "/checkout/"})
    assert answer["Location"] == "/checkout/"
    assert "Blue mug" in text_of(visitor.get("/checkout/"))


def test_registering_never_leads_to_another_site(visitor):
    assert visitor.post("/accounts/register/?next=//evil.example", GRACE)["Location"] == "/"


def test_logging_out_takes_a_button_and_leaves_nothing_behind(customer):
    put_into_basket(customer, "MUG")
    assert customer.get("/accounts/logout/").status_code == 405
    answer = customer.post("/accounts/logout/", follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "Basket 0 in it" in text_of(answer)


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/register/", "/basket/add/"])
def test_forms_of_other_sites_are_refused_in_the_shops_own_words(catalogue, path):
    answer = Client(enforce_csrf_checks=True).post(path, {"sku": "MUG", "quantity": 1})
    assert answer.status_code == 403
    assert "This page was out of date" in text_of(answer)


def test_an_address_registers_few_accounts(catalogue, settings):
    settings.SHOP_REGISTRATIONS_AN_ADDRESS = 2
    for n in range(4):
        form = GRACE | {"email": f"customer{n}@example.com"}
        answer = Client().post("/accounts/register/", form, REMOTE_ADDR="192.0.2.1")
        assert answer.status_code == (302 if n < 2 else 429)
    assert "60 minutes" in answer.content.decode()
    assert User.objects.filter(username__startswith="customer").count() == 2
    form = GRACE | {"email": "neighbour@example.com"}
    assert Client().post("/accounts/register/", form, REMOTE_ADDR="192.0.2.2").status_code == 302
