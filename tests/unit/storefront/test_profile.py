"""The pages of a customer's own account: names, address, password, closing."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail as mail_box
from django.test import Client
from rest_framework.test import APIClient

from shop.accounts import api_keys, links, mails
from shop.accounts.models import AccountMail
from shop.accounts.queries import address_to_confirm, unconfirmed
from tests.support.forms import fields_of
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db
ACCOUNT, PROFILE, PASSWORD = "/accounts/", "/accounts/profile/", "/accounts/password/"
FORGOTTEN = "/accounts/password/forgotten/"
NAMES = {"first_name": "Ada", "last_name": "Lovelace"}
NEW = {"new_password1": "analytical-1843", "new_password2": "analytical-1843"}
REGISTRATION = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@example.com",
    "password1": "compile-1952",
    "password2": "compile-1952",
}


def links_to(email: str) -> list[str]:
    """Send what is due, and return the paths of the links in the e-mails to an address."""
    mails.send_due()
    texts = [mail.body for mail in mail_box.outbox if mail.to == [email]]
    return [path for text in texts for path in re.findall(r"http://testserver(/\S+)", text)]


def follow_and_press(path: str, client: Client | None = None):
    """Follow a link of an e-mail, and press the button of its page."""
    client = client or Client()
    assert client.get(path).status_code == 200
    return client.post(path, follow=True)


@pytest.fixture
def grace(visitor) -> User:
    """A customer who has registered and not confirmed the address."""
    Client().post("/accounts/register/", REGISTRATION)
    return User.objects.get(username="grace@example.com")


# --- Two forms at a time ---


def test_an_older_form_takes_no_name_back(customer, ada):
    opened = fields_of(customer.get(PROFILE))
    User.objects.filter(pk=ada.pk).update(first_name="Augusta")
    assert customer.post(PROFILE, opened | {"last_name": "King"}).status_code == 302
    ada.refresh_from_db()
    assert (ada.first_name, ada.last_name) == ("Augusta", "King")


def test_a_name_that_both_forms_change_is_a_conflict_that_says_so(customer, ada):
    opened = fields_of(customer.get(PROFILE))
    User.objects.filter(pk=ada.pk).update(first_name="Augusta")
    refused = customer.post(PROFILE, opened | {"first_name": "Ada Augusta"})
    assert refused.status_code == 422
    assert "is “Augusta” now" in text_of(refused)
    ada.refresh_from_db()
    assert ada.first_name == "Augusta"


def test_an_older_form_does_not_ask_for_an_address_that_was_changed_meanwhile(customer, ada):
    opened = fields_of(customer.get(PROFILE))
    User.objects.filter(pk=ada.pk).update(email="augusta@example.com")
    assert customer.post(PROFILE, opened | {"last_name": "King"}).status_code == 302
    ada.refresh_from_db()
    assert (ada.last_name, ada.email) == ("King", "augusta@example.com")
    assert not links_to("ada@example.com")


# --- Confirming ---


def test_a_registered_address_is_unconfirmed_until_its_link_is_used(grace):
    assert unconfirmed(["GRACE@example.com", "ada@example.com"]) == {"grace@example.com"}
    (link,) = links_to(grace.email)
    assert "your address is confirmed" in text_of(follow_and_press(link))
    assert not unconfirmed([grace.email])


def test_a_mail_scanner_that_follows_the_link_confirms_nothing(grace):
    (link,) = links_to(grace.email)
    Client().get(link)
    assert unconfirmed([grace.email])


def test_a_link_works_once(grace):
    (link,) = links_to(grace.email)
    follow_and_press(link)
    answer = Client().get(link)
    assert answer.status_code == 410
    assert "does not work any more" in text_of(answer)


def test_a_forged_or_an_old_link_confirms_nothing(grace, monkeypatch):
    (link,) = links_to(grace.email)
    assert Client().post(f"{link[:-3]}x/").status_code == 410
    monkeypatch.setattr(links, "LIFETIME", timedelta(0))
    assert Client().post(link).status_code == 410
    assert unconfirmed([grace.email])


def test_a_customer_asks_for_the_link_again(grace):
    client = Client()
    client.force_login(grace)
    assert "Please confirm grace@example.com" in text_of(client.get(ACCOUNT))
    client.post("/accounts/confirm/")
    assert len(links_to(grace.email)) == 2
    for _ in range(5):
        client.post("/accounts/confirm/")
    assert len(links_to(grace.email)) == mails.AN_HOUR


def test_accounts_made_by_staff_count_as_confirmed(customer, ada):
    assert not unconfirmed([ada.email])
    assert "Please confirm" not in text_of(customer.get(ACCOUNT))


# --- Names and address ---


def test_a_customer_changes_the_name(customer, ada):
    customer.post(PROFILE, {**NAMES, "last_name": "King", "email": ada.email})
    ada.refresh_from_db()
    assert ada.get_full_name() == "Ada King"


@pytest.mark.parametrize("name", ["evil.example", "Visit http://evil", "x\ny", "A\u202eda", "e" * 61, ""])
def test_a_name_carries_no_link_and_no_hidden_character(customer, ada, name):
    answer = customer.post(PROFILE, {**NAMES, "first_name": name, "email": ada.email})
    assert answer.status_code == 422
    ada.refresh_from_db()
    assert ada.first_name == "Ada"


def test_a_new_address_takes_the_password_and_its_owners_confirmation(customer, ada):
    wish = {**NAMES, "email": "countess@example.com"}
    assert customer.post(PROFILE, wish).status_code == 422
    assert customer.post(PROFILE, {**wish, "password": "wrong"}).status_code == 422
    assert customer.post(PROFILE, {**wish, "password": "correct horse"}).status_code == 302
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"
    assert not unconfirmed(["ada@example.com"]), "the present address stays confirmed"
    (link,) = links_to("countess@example.com")
    follow_and_press(link)
    ada.refresh_from_db()
    assert ada.email == "countess@example.com"
    mails.send_due()
    assert mail_box.outbox[-1].to == ["ada@example.com"], "the former owner of the account is told"


def test_an_address_of_another_account_is_answered_alike_and_never_taken(customer, ada, bob):
    taken, free = (
        customer.post(PROFILE, {**NAMES, "email": email, "password": "correct horse"}, follow=True)
        for email in (bob.email, "new@example.com")
    )
    assert taken.redirect_chain == free.redirect_chain
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"
    for email, page in ((bob.email, taken), ("new@example.com", free)):
        assert f"We have sent a link to {email}" in text_of(page)
    assert links_to(bob.email) == ["/accounts/login/"]


# --- Password ---


def test_a_changed_password_ends_all_other_sessions_and_all_keys(customer, ada):
    other = Client()
    other.login(username="ada", password="correct horse")
    _, key = api_keys.create_key(user=ada, name="till")
    answer = customer.post(PASSWORD, {"old_password": "correct horse", **NEW})
    assert answer.status_code == 302
    assert customer.get(ACCOUNT).status_code == 200, "this session goes on"
    assert other.get(ACCOUNT).status_code == 302
    assert APIClient(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/orders").status_code == 401
    mails.send_due()
    assert [mail.subject for mail in mail_box.outbox] == ["Your password was changed"]


def test_a_password_is_changed_by_its_owner_alone(customer):
    assert customer.post(PASSWORD, {"old_password": "wrong", **NEW}).status_code == 422
    assert Client().post(PASSWORD, {"old_password": "correct horse", **NEW}).status_code == 302


def test_a_login_begins_a_new_session(ada, catalogue, client):
    client.post("/basket/add/", {"sku": "MUG", "quantity": 1})
    before = client.cookies["sessionid"].value
    client.post("/accounts/login/", {"username": "ada", "password": "correct horse"})
    assert client.cookies["sessionid"].value != before


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(ada, client):
    client.post(FORGOTTEN, {"email": "Ada@Example.com"})
    (link,) = links_to(ada.email)
    form = client.get(link)["Location"]
    assert client.post(form, NEW)["Location"] == "/accounts/login/"
    assert client.login(username="ada", password="analytical-1843")
    assert "does not work any more" in text_of(Client().get(link, follow=True))


def test_a_request_of_a_new_password_does_not_tell_who_has_an_account(ada):
    known, unknown = (
        Client().post(FORGOTTEN, {"email": email}, follow=True) for email in (ada.email, "no@example.com")
    )
    assert known.redirect_chain == unknown.redirect_chain
    assert text_of(known) == text_of(unknown)
    assert links_to("no@example.com") == []


def test_a_new_password_by_link_confirms_the_address_and_ends_what_an_impostor_had(grace):
    impostor = Client()
    impostor.force_login(grace)
    owner = Client()
    owner.post(FORGOTTEN, {"email": grace.email})
    link = links_to(grace.email)[-1]
    owner.post(owner.get(link)["Location"], NEW)
    assert not address_to_confirm(grace)
    assert impostor.get(ACCOUNT).status_code == 302


def test_no_link_is_stored(ada, client):
    client.post(FORGOTTEN, {"email": ada.email})
    (link,) = links_to(ada.email)
    assert link.split("/")[-2] not in str(list(AccountMail.objects.values()))


# --- Closing ---


def test_closing_takes_the_password_and_ends_everything(customer, ada):
    _, key = api_keys.create_key(user=ada, name="till")
    assert customer.post("/accounts/close/", {"password": "wrong"}).status_code == 422
    other = Client()
    other.force_login(ada)
    answer = customer.post("/accounts/close/", {"password": "correct horse"}, follow=True)
    assert "Your account is closed" in text_of(answer)
    assert other.get(ACCOUNT).status_code == 302
    assert not Client().login(username="ada", password="correct horse")
    assert APIClient(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/orders").status_code == 401
