"""The admin in German: what an operator sees most."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import translation

from console.home.attention import attention
from console.order_page.standstill import reasons_of
from integrations.errors import InvalidEndpoint
from integrations.models import ALL_EVENTS
from integrations.services import check_url, create_endpoint, pause_endpoint
from inventory.admin import ProductAdmin
from inventory.services import add_category, add_product
from notifications.models import Notification
from notifications.services import UNCONFIRMED
from orders.bulk.services import prepare, run
from orders.errors import InvalidRefund, NotRefundable
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from shop import journal
from shop.adminkit.csv_export import PARAMETER
from shop.messaging.consuming import pauses
from shop.messaging.consuming.registry import consumers
from shop.messaging.contracts import Money
from shop.messaging.errors import CannotPause

pytestmark = pytest.mark.django_db


def test_home_list_and_order_are_german(shop, client, operator):
    order = shop.stuck_capture()
    client.force_login(operator)
    client.cookies["django_language"] = "de"

    home = client.get(reverse("admin:index")).content.decode()
    assert "Braucht Aufmerksamkeit" in home
    assert "Bestellungen brauchen Aufmerksamkeit" in home
    assert "Warteschlangen" in home  # in the navigation
    assert 'action="/language/"' in home
    rows = client.get(reverse("admin:orders_order_changelist")).content.decode()
    assert "Sendungsnummer" in rows
    assert "Wartet auf Zahlung" in rows
    assert "23,90 EUR" in rows
    page = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    for words in ("Zeitleiste", "Lieferadresse", "Ware entnommen", "23,90 EUR", "Geld erstatten"):
        assert words in page


def test_what_the_journal_keeps_is_english(shop, client, operator):
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    ask = reverse("admin:orders_order_cancel", args=[shop.place().pk])
    assert "Ja, stornieren" in client.get(ask).content.decode()
    answer = client.post(ask, {"confirmed": "yes"}, follow=True).content.decode()
    assert "Die Stornierung ist unterwegs." in answer
    acts = journal.acts_on("orders", "order", ask.split("/")[-3])
    assert [act.text for act in acts] == ["The cancellation is on its way."]


def test_alerts_and_numbers_of_svgs_do_not_depend_on_the_reader(shop, client, operator):
    shop.stuck_capture()
    keys = {item.key for item in attention(operator)}
    with translation.override("de"):
        found = attention(operator)
        assert {item.title for item in found} >= {"Bestellungen brauchen Aufmerksamkeit"}
        assert {item.key for item in found} == keys
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    flow = client.get(reverse("flow")).content.decode()
    assert "Ereignisse der letzten Minute" in flow
    assert "translate(" in flow
    for place in flow.split('transform="translate(')[1:]:
        assert place.split(")")[0].count(",") == 1


def test_refusals_are_german(shop):
    order = shop.place()
    everything = Wish(amount=Money(amount=order.total, currency=order.currency))
    with translation.override("de"):
        with pytest.raises(NotRefundable, match="noch ist nichts bezahlt"):
            request_refund(order_id=order.pk, wish=everything, reason="a crack")
        with pytest.raises(InvalidRefund, match="warum das Geld erstattet wird"):
            request_refund(order_id=order.pk, wish=everything, reason=" ")
        with pytest.raises(CannotPause, match="Geben Sie einen Grund an"):
            pauses.pause(consumers()[0].name, by="olga", reason=" ")
        with pytest.raises(InvalidEndpoint, match="keine öffentliche Adresse"):
            check_url("https://127.0.0.1/")


def test_what_a_product_must_not_be_is_german():
    known = {"name": "Tea", "price": Decimal("1.00")}
    with translation.override("de"):
        for wrong, words in {
            ("sku", "a b"): "Verwenden Sie nur Buchstaben, Ziffern",
            ("name", "\u200b"): "mindestens ein Zeichen",
            ("price", Decimal("1.001")): "EUR hat 2 Nachkommastellen",
            ("currency", "XXX"): "XXX ist keine Währung",
        }.items():
            with pytest.raises(ValidationError, match=words):
                add_product(**{"sku": "TEA", **known, wrong[0]: wrong[1]})
        with pytest.raises(ValidationError, match="nur Kleinbuchstaben"):
            add_category(slug="Tea", name="Tea")


def test_what_was_done_is_said_in_german_and_kept_in_english(shop, client, operator):
    order = shop.delivered()
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    page = reverse("admin:orders_order_refund", args=[order.pk])
    key = client.get(page).context["form"]["attempt"].value()
    given = {"amount": "1.00", "reason": "a crack", "attempt": str(key), "confirmed": "on"}
    said = [client.post(page, given, follow=True).content.decode() for _ in range(2)]
    assert "Eine Erstattung von 1.00 EUR angefordert." in said[0]
    assert "wurde schon gesendet" in said[1]
    acts = journal.acts_on("orders", "order", order.pk)
    assert [act.text for act in acts] == ["Requested a refund of 1.00 EUR."]


def test_an_action_on_too_many_rows_is_refused_in_german(shop, client, operator, monkeypatch):
    monkeypatch.setattr(ProductAdmin, "max_selected", 1)
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    chosen = {"action": "take_off_sale", "select_across": "1", "index": "0", "_selected_action": "1"}
    rows = client.post(reverse("admin:inventory_product_changelist"), chosen, follow=True)
    assert "Das sind mehr als 1 Zeilen" in rows.content.decode()


def test_why_a_message_is_not_sent_again_is_german(shop, client, operator):
    shop.delivered()
    message = Notification.objects.filter(kind="shipped").get()
    Notification.objects.update(state="queued")
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    resend = reverse("admin:notifications_notification_resend", args=[message.pk])
    assert "wartet und wird von selbst versendet" in client.post(resend, follow=True).content.decode()


def test_reasons_that_are_stored_are_shown_in_german(shop, client, operator):
    shop.delivered()
    message = Notification.objects.filter(kind="shipped").get()
    Notification.objects.update(state="withheld", last_error=UNCONFIRMED)
    paused, _ = create_endpoint(
        url="https://example.com/hooks", event_types=[ALL_EVENTS], contact="ops@example.com"
    )
    pause_endpoint(endpoint_id=paused.pk, by="olga")
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    pages = {
        reverse("admin:notifications_notification_change", args=[message.pk]): "bevor sie bestätigt ist",
        reverse("admin:orders_order_change", args=[message.order_id]): "bevor sie bestätigt ist",
        reverse("admin:integrations_endpoint_change", args=[paused.pk]): "Von olga angehalten",
    }
    for url, words in pages.items():
        assert words in client.get(url).content.decode(), url


def test_a_bulk_action_is_named_in_german(shop, client, operator):
    bulk = prepare(action="cancel", orders=[shop.place()], given={}, by=operator)
    run(bulk_id=bulk.pk)
    client.force_login(operator)
    client.cookies["django_language"] = "de"
    rows = client.get(reverse("admin:orders_bulkaction_changelist")).content.decode()
    assert "Stornieren" in rows
    assert "1 erledigt" in rows


def test_why_an_order_stands_still_is_german(shop, operator):
    order = shop.place()
    with translation.override("de"):
        reasons = reasons_of(order.pk, operator)
    assert reasons
    assert all("Wartet auf" in reason.text or "noch einmal" in reason.text for reason in reasons)


def test_an_export_is_the_same_in_each_language(shop, client, operator):
    shop.place()
    client.force_login(operator)
    url = reverse("admin:orders_order_changelist")
    english = b"".join(client.get(url, {PARAMETER: "csv"}).streaming_content)
    client.cookies["django_language"] = "de"
    assert b"".join(client.get(url, {PARAMETER: "csv"}).streaming_content) == english
    assert b"23.90 EUR" in english
