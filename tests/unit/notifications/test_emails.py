"""Contents of the e-mails, as text and as HTML."""

import re

import pytest

from notifications import consumers  # noqa: F401 - registers the consumers
from notifications.checks import language_of_letters_exists
from notifications.emails import html_of
from notifications.models import Kind, Notification
from payments.events import PaymentProcessed, PaymentRefunded
from shop.accounts.order_links import shows
from shop.ids import uuid7
from tests.support.inprocess import deliver
from tests.unit.notifications.facts import CONFIRM_URL, eur, later_events, order_created, published

pytestmark = pytest.mark.django_db

CONTENTS = {
    Kind.ORDER_RECEIVED: ["Tea", "9.95 EUR", "19.90 EUR", "Pot", "Total", "49.90 EUR", "1 Rabbit Hole"],
    Kind.PAYMENT_RECEIVED: ["We have received", "49.90 EUR"],
    Kind.PAYMENT_ACTION_REQUIRED: [
        "confirm it if your bank asks",
        CONFIRM_URL,
        "not paid in time is cancelled",
    ],
    Kind.PAYMENT_DECLINED: ["not accepted", "Your card has expired.", "Choose another means of payment"],
    Kind.AWAITING_STOCK: ["have to come in first", "as soon as they are here"],
    Kind.PAYMENT_FAILED: ["Your card has expired.", "You have not been charged."],
    Kind.REFUNDED: ["We have refunded", "49.90 EUR"],
    Kind.SHIPPED: ["UPS has your parcel", "EZ1000000001"],
    Kind.SHIPPED_AGAIN: ["sent your order again", "UPS has the new parcel", "EZ1000000001"],
    Kind.DELIVERED: ["delivered on 5 March 2026"],
    Kind.CANCELLATION_REJECTED: ["the parcel had already left"],
    Kind.CANCELLED: ["not everything in it is in stock", "You owe us nothing"],
    Kind.RETURN_REQUESTED: ["2", "Tea", "keep the goods until then"],
    Kind.RETURN_APPROVED: ["2", "Tea", "26 March 2026"],
    Kind.RETURN_REJECTED: ["cannot take back", "The tins are empty."],
    Kind.RETURN_RECEIVED: ["1", "Tea", "9.95 EUR", "still waiting for the rest"],
    Kind.RETURN_CANCELLED: ["withdrawn"],
    Kind.RETURN_EXPIRED: ["not arrived in time"],
}


@pytest.fixture
def emails(mail):
    """Return an e-mail of each kind about one order, as text and HTML."""
    created = published(order_created())
    for event in [created, *map(published, later_events(created.order_id))]:
        deliver(event, "notifications")
    return {
        Kind(sent["Message-ID"].strip(" <").split(".")[0]): [
            sent.get_body((subtype,)).get_content() for subtype in ("plain", "html")
        ]
        for sent in mail.mails
    }


@pytest.mark.parametrize("kind", Kind)
def test_an_email_says_what_its_customer_needs(emails, kind):
    for content in emails[kind]:
        assert "Hello Alice Liddell," in content
        assert "ORD-1042" in content
        for words in CONTENTS[kind]:
            assert words in content


@pytest.mark.parametrize("kind", Kind)
def test_an_email_needs_nothing_from_the_net(emails, kind):
    text, html = emails[kind]
    assert "<" not in text
    to_the_order = r'href="http://localhost:8000/o/[^"]+"'
    assert "http" not in re.sub(to_the_order, "", html.replace(f'href="{CONFIRM_URL}"', ""))
    assert "<style" not in html
    assert 'style="' in html


@pytest.mark.parametrize("kind", Kind)
def test_an_email_has_a_link_to_its_order(emails, kind):
    row = Notification.objects.get(kind=kind)
    for content in emails[kind]:
        (link,) = set(re.findall(r"http://localhost:8000/o/([\w:%-]+)/", content))
        assert shows(link, row.order_id)


def test_the_preview_for_staff_has_no_link_to_the_order(emails):
    assert emails
    assert all("/o/" not in html_of(row) for row in Notification.objects.all())


def test_what_customers_and_products_are_called_is_escaped_in_html_alone(mail):
    created = published(order_created(name="<b>Bobby</b> & Co", tea="Tea <script>alert(1)</script>"))
    deliver(created, "notifications")

    (sent,) = mail.mails
    text = sent.get_body(("plain",)).get_content()
    html = sent.get_body(("html",)).get_content()
    assert "Hello <b>Bobby</b> & Co," in text
    assert "Tea <script>alert(1)</script>" in text
    assert "&lt;b&gt;Bobby&lt;/b&gt; &amp; Co" in html
    assert "<script" not in html


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("customer", "as you asked"),
        ("operator", "we had to cancel your order."),
        ("payment_overdue", "no payment arrived in time"),
        ("payment_failed", "the payment did not work"),
        ("out_of_stock", "not everything in it is in stock"),
        ("shipment_failed", "the carrier cannot take the parcel"),
        ("something_new", "we had to cancel your order."),
    ],
)
def test_a_cancellation_says_why(reason, says):
    row = Notification(kind=Kind.CANCELLED, number="ORD-1042", context={"reason": reason})
    assert says in html_of(row)


def test_robots_do_not_answer_it(mail):
    deliver(published(order_created()), "notifications")
    assert mail.mails[0]["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("kind", "words"), [(PaymentProcessed, "There is nothing to pay"), (PaymentRefunded, "nothing to refund")]
)
def test_an_email_about_an_order_that_costs_nothing_names_no_amount(mail, kind, words):
    created = published(order_created())
    deliver(created, "notifications")
    facts = {"order_id": created.order_id, "payment_id": uuid7(), "amount": eur("0.00")}
    more = {"refund_id": uuid7()} if kind is PaymentRefunded else {}
    deliver(published(kind(**facts, **more)), "notifications")
    for subtype in ("plain", "html"):
        content = mail.mails[-1].get_body((subtype,)).get_content()
        assert words in content
        assert "EUR" not in content


def test_letters_are_in_the_language_of_the_shop(mail, settings):
    settings.SHOP_LANGUAGE = "de"
    created = published(order_created(name="<b>Bobby</b> & Co"))
    for event in [created, *map(published, later_events(created.order_id))]:
        deliver(event, "notifications")

    sent = {Kind(one["Message-ID"].strip(" <").split(".")[0]): one for one in mail.mails}
    received = sent[Kind.ORDER_RECEIVED]
    html = received.get_body(("html",)).get_content()
    assert received["Subject"] == "Wir haben Ihre Bestellung ORD-1042 erhalten"
    assert "Guten Tag &lt;b&gt;Bobby&lt;/b&gt; &amp; Co," in html
    assert "49,90 EUR" in html
    assert '<html lang="de">' in html
    assert "am 5. März 2026" in sent[Kind.DELIVERED].get_body(("plain",)).get_content()
    declined = sent[Kind.PAYMENT_FAILED].get_body(("html",)).get_content()
    assert "<strong>Ihre Karte ist abgelaufen.</strong>" in declined


def test_a_language_without_letters_is_no_language_of_the_shop(settings):
    settings.SHOP_LANGUAGE = "xx"
    assert [found.id for found in language_of_letters_exists()] == ["notifications.E004"]
    settings.SHOP_LANGUAGE = "de"
    assert language_of_letters_exists() == []
