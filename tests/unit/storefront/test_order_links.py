"""Links of letters to the page of one order: what they open, how long, and how they are renewed."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from notifications.models import Recipient
from orders import queries
from shop.accounts import mails
from shop.accounts.confirmation import withdraw
from shop.accounts.models import AccountMail
from shop.accounts.order_links import order_link, token_for
from shop.privacy.models import DataSubject
from tests.support.inprocess import deliver_all
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db

A_MINUTE_AGO = timedelta(minutes=-1)


@pytest.fixture(autouse=True)
def sent_at_once(monkeypatch):
    """Send e-mails about accounts in the request: a thread has another connection, without these rows."""
    monkeypatch.setattr(mails, "enqueue", _enqueue_and_send)


_enqueue = mails.enqueue


def _enqueue_and_send(*args, **kwargs) -> None:
    _enqueue(*args, **kwargs)
    mails.send_due()


@pytest.fixture
def reader() -> Client:
    """Browser of somebody who reads the letter, without an account."""
    return Client()


def path_to(order) -> str:
    return reverse("storefront:link", args=[token_for(order.summary.id)])


def follow(client: Client, order) -> str:
    """Follow a fresh link, and return the path that it leads to."""
    return client.get(path_to(order))["Location"]


def test_a_link_opens_its_order_without_a_login(buy, reader):
    order = buy()
    answer = reader.get(path_to(order), follow=True)
    assert f"Order {order.summary.number}" in text_of(answer)
    assert "12 St James's Sq" in text_of(answer)
    assert "All your orders" not in text_of(answer)
    assert reader.get(f"/orders/{order.summary.number}/live/").status_code == 200


def test_a_link_opens_no_other_order_and_no_account(buy, reader):
    order, other = buy(), buy()
    follow(reader, order)
    for path in (f"/orders/{other.summary.number}/", "/orders/", "/accounts/"):
        assert reader.get(path)["Location"].startswith("/accounts/login/")


def test_the_link_goes_on_to_an_address_that_does_not_name_it(buy, reader):
    order = buy()
    answer = reader.get(path_to(order))
    assert answer["Location"] == f"/orders/{order.summary.number}/"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("spoil", [lambda t: t[:-2] + "AA", lambda t: "A" * 22 + t[22:], lambda _: "guess"])
def test_a_forged_link_opens_nothing_and_asks_for_no_mail(buy, reader, spoil):
    order = buy()
    deliver_all()
    answer = reader.get(reverse("storefront:link", args=[spoil(token_for(order.summary.id))]), follow=True)
    assert "A fresh link to your order" in text_of(answer)
    reader.post(answer.request["PATH_INFO"])
    reader.post(f"/orders/{order.summary.number}/link/")
    assert not AccountMail.objects.filter(kind="order_link").exists()


def test_an_old_link_leads_to_a_fresh_one_by_mail(buy, reader, settings):
    order = buy()
    deliver_all()
    settings.SHOP_ORDER_LINK_LIFETIME = A_MINUTE_AGO
    old = reader.get(path_to(order), follow=True)
    assert "A fresh link to your order" in text_of(old)
    assert reader.get(f"/orders/{order.summary.number}/")["Location"] == old.request["PATH_INFO"]

    answer = reader.post(old.request["PATH_INFO"], follow=True)
    assert "If we know this order" in text_of(answer)
    letter = next(one for one in mail.outbox if "fresh link" in one.subject)
    assert letter.to == ["ada@example.com"]
    settings.SHOP_ORDER_LINK_LIFETIME = timedelta(days=1)
    (html, subtype), *_ = letter.alternatives
    assert subtype == "text/html"
    assert re.search(r'href="(http[^"]+)"', html)[1] in letter.body
    link = re.search(r"http\S+", letter.body)[0]
    assert reader.get(link.removeprefix(settings.SHOP_URL))["Location"] == f"/orders/{order.summary.number}/"


def test_the_answer_does_not_tell_whether_there_is_such_an_order(reader, visitor):
    asked = text_of(reader.get("/orders/ORD-999999/link/"))
    answered = text_of(reader.post("/orders/ORD-999999/link/", follow=True))
    assert "Send me a fresh link" in asked
    assert "If we know this order" in answered
    assert not AccountMail.objects.exists()


def test_no_fresh_link_goes_to_an_address_that_nobody_has_confirmed(buy, reader, settings):
    order = buy()
    deliver_all()
    withdraw(email="ada@example.com", reason="bounced", at=order.summary.placed_at)
    follow(reader, order)
    reader.post(f"/orders/{order.summary.number}/link/")
    assert not AccountMail.objects.filter(kind="order_link").exists()


def test_a_fresh_link_goes_to_the_address_that_an_operator_has_corrected(buy, reader):
    order = buy()
    deliver_all()
    Recipient.objects.update(email="lovelace@example.com")
    follow(reader, order)
    reader.post(f"/orders/{order.summary.number}/link/")
    assert AccountMail.objects.get(kind="order_link").email == "lovelace@example.com"


def test_links_outlive_a_change_of_the_secret_key(buy, reader, settings):
    order = buy()
    path = path_to(order)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 9
    assert reader.get(path)["Location"] == f"/orders/{order.summary.number}/"
    reader.cookies.clear()
    settings.SECRET_KEY_FALLBACKS = []
    assert reader.get(path)["Location"] == "/orders/ORD-0/link/"


def test_a_link_that_is_new_lets_its_reader_cancel(buy, reader):
    order = buy()
    follow(reader, order)
    reader.post(f"/orders/{order.summary.number}/cancel/")
    assert queries.order(order.summary.id).summary.status == "cancelling"


@pytest.mark.parametrize("act", ["cancel", "pay", "send-back"])
def test_a_link_that_is_some_days_old_shows_the_order_and_changes_nothing(buy, reader, settings, act):
    order = buy()
    settings.SHOP_ORDER_LINK_CHANGES = A_MINUTE_AGO
    page = f"/orders/{order.summary.number}/"
    assert follow(reader, order) == page
    assert reader.get(page).status_code == 200
    assert reader.post(f"{page}{act}/")["Location"] == f"{page}link/"
    assert queries.order(order.summary.id).summary.status == "placed"


def test_the_links_of_a_forgotten_customer_are_dead(buy, reader, ada):
    order = buy()
    deliver_all()
    page = follow(reader, order)
    mail.outbox.clear()
    # The rest of forgetting waits for the end of the order.
    DataSubject.objects.filter(account_id=ada.pk).update(wrapped_key="", forgotten_at=order.summary.placed_at)
    assert reader.get(page)["Location"] == f"{page}link/"
    assert follow(reader, order) == f"{page}link/"
    reader.post(f"{page}link/")
    assert mail.outbox == []


def test_the_way_back_from_a_bank_is_open_to_the_reader_of_a_link(buy, reader):
    order = buy()
    by_id = f"/orders/{order.summary.id}/"
    assert reader.get(by_id)["Location"].startswith("/accounts/login/")
    follow(reader, order)
    assert reader.get(by_id)["Location"] == f"/orders/{order.summary.number}/"


def test_a_session_remembers_so_many_links_and_the_latest_ones(buy, reader, monkeypatch):
    monkeypatch.setattr("storefront.pages.own_orders.MAX_OPENED", 2)
    first, second, third = buy(), buy(), buy()
    for order in (first, second, first, third):
        follow(reader, order)
    assert reader.get(f"/orders/{second.summary.number}/").status_code == 302
    assert reader.get(f"/orders/{first.summary.number}/").status_code == 200


def test_a_link_names_the_shop_and_only_the_order_in_it(buy, settings):
    settings.SHOP_URL = "https://shop.example.com"
    order = buy()
    link = order_link(order.summary.id)
    assert link.startswith("https://shop.example.com/o/")
    assert len(link) < 110
