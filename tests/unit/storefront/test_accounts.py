"""Registration, login and logout of customers."""

import pytest
from django.contrib.auth.models import User
from django.core import mail as mail_box
from django.test import Client

from shop.accounts import mails
from tests.unit.storefront.conftest import put_into_basket, text_of

pytestmark = pytest.mark.django_db

GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "Grace@Example.com",
    "password1": "compile-1952",
    "password2": "compile-1952",
}


def test_a_new_customer_gets_an_account_and_a_mail(visitor):
    answer = visitor.post("/accounts/register/", GRACE, follow=True)
    assert answer.redirect_chain == [("/accounts/login/?next=%2F", 302)]
    assert "We have sent you an e-mail" in text_of(answer)
    grace = User.objects.get()
    assert (grace.email, grace.get_full_name(), grace.is_staff) == (
        "grace@example.com",
        "Grace Hopper",
        False,
    )
    assert sent_to("grace@example.com") == ["Please confirm your e-mail address"]


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
        ("email", f"{'g' * 60}@{'a' * 60}.{'b' * 60}.com", "This address is too long for us"),
        ("first_name", "", "Enter your first name."),
        ("first_name", "G" * 61, "Use at most 60 characters."),
        ("last_name", "Win a prize at evil.example/win", "Enter a name"),
        ("last_name", "https://evil", "Enter a name"),
        ("last_name", "Hopper\u200b", "Enter a name"),
        ("password1", "82649175304", "entirely numeric"),
        ("password1", "short", "didn’t match"),
        ("password2", "another-1952", "didn’t match"),
    ],
)
def test_a_wrong_detail_is_refused_next_to_its_field(ada, client, field, value, says):
    answer = client.post("/accounts/register/", {**GRACE, field: value})
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert User.objects.count() == 1


def test_an_answer_does_not_tell_who_has_an_account(ada):
    new, known = (
        Client().post("/accounts/register/", {**GRACE, "email": email}, follow=True)
        for email in ("grace@example.com", "ADA@Example.com")
    )
    assert new.redirect_chain == known.redirect_chain
    assert text_of(new) == text_of(known)
    assert User.objects.count() == 2
    assert ada.check_password("correct horse")
    assert sent_to("ada@example.com") == ["You have an account already"]
    assert not [mail for mail in mail_box.outbox if "Grace" in str(mail.message())]


def test_who_registers_where_somebody_else_did_before_gets_the_account_by_a_new_password(visitor):
    visitor.post("/accounts/register/", {**GRACE, "password1": "attacker-1", "password2": "attacker-1"})
    visitor.post("/accounts/register/", GRACE)
    assert sent_to("grace@example.com") == [
        "Please confirm your e-mail address",
        "A new password for your account",
    ]


def sent_to(email: str) -> list[str]:
    """Send what is due, and return the subjects of the e-mails to an address."""
    mails.send_due()
    return [mail.subject for mail in mail_box.outbox if mail.to == [email]]


def test_a_weak_password_is_refused(visitor):
    answer = visitor.post("/accounts/register/", {**GRACE, "password1": "hopper", "password2": "hopper"})
    assert "This password is too short" in text_of(answer)


def test_a_wrong_password_says_what_to_do(ada, client):
    answer = client.post("/accounts/login/", {"username": "ada", "password": "wrong"})
    assert "check both, or create an account" in text_of(answer)


def test_the_basket_survives_logging_in_and_leads_on(ada, visitor):
    put_into_basket(visitor, "MUG", 3)
    login = {"username": "ada", "password": "correct horse", "next": "/checkout/"}
    answer = visitor.post("/accounts/login/", login, follow=True)
    assert answer.redirect_chain == [("/checkout/", 302)]
    assert "3 × Blue mug" in text_of(answer)


def test_registering_on_the_way_leads_on_too(visitor):
    put_into_basket(visitor, "MUG")
    answer = visitor.post("/accounts/register/", {**GRACE, "next": "/checkout/"})
    assert answer["Location"] == "/accounts/login/?next=%2Fcheckout%2F"
    login = {"username": GRACE["email"], "password": GRACE["password1"], "next": "/checkout/"}
    assert visitor.post("/accounts/login/", login)["Location"] == "/checkout/"
    assert "Blue mug" in text_of(visitor.get("/checkout/"))


def test_registering_never_leads_to_another_site(visitor):
    answer = visitor.post("/accounts/register/?next=//evil.example", GRACE)
    assert answer["Location"] == "/accounts/login/?next=%2F"


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
