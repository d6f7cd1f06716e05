"""Operators are alerted once about what newly needs attention, and hear when it is over."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from django.core import mail
from django.utils import timezone

from console.alerts.watch import watch
from console.models import Alert
from console.tasks import alert
from inventory.models import Product
from shop.messaging.models import Circuit, DeadLetter
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def addresses(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.SHOP_ALERT_EMAILS = ["ops@example.com"]
    settings.SHOP_URL = "https://shop.example.com"


def pause(consumer: str = "payments.charge") -> Circuit:
    now = timezone.now()
    return Circuit.objects.create(consumer=consumer, opened_at=now, probe_at=now, last_error="out of service")


def close_all() -> None:
    DeadLetter.objects.update(status=DeadLetter.Status.DISCARDED)


def test_all_that_is_new_is_in_one_message_with_links():
    died(error=ValueError("odd"))
    pause()
    assert watch() == 2
    (message,) = mail.outbox
    assert message.to == ["ops@example.com"]
    assert "and 1 more" in message.subject
    assert "Dead letters: 1" in message.body
    assert "payments.charge: paused since" in message.body
    assert "https://shop.example.com/admin/messaging/deadletter/?status__exact=open" in message.body


def test_what_stays_does_not_alert_again_though_its_number_changes():
    died(error=ValueError("odd"))
    watch()
    died(error=ValueError("odd"))
    assert watch() == 0
    assert len(mail.outbox) == 1


def test_another_consumer_is_another_thing():
    pause()
    watch()
    pause("shipping.book")
    assert watch() == 1


def test_the_end_is_told_once():
    died(error=ValueError("odd"))
    watch()
    close_all()
    watch()
    watch()
    assert len(mail.outbox) == 2
    assert "over" in mail.outbox[1].subject
    assert "Over: Dead letters: 1" in mail.outbox[1].body


def test_what_comes_again_is_quiet_for_a_time_and_then_new(settings):
    settings.SHOP_ALERT_QUIET_TIME = timedelta(hours=1)
    pause()
    watch()
    for expected, earlier in ((0, timedelta(0)), (1, timedelta(hours=1))):
        Circuit.objects.all().delete()
        watch()
        pause()
        Alert.objects.update(alerted_at=timezone.now() - earlier)
        assert watch() == expected


def test_what_came_again_quietly_is_told_when_it_is_over():
    circuit = pause()
    watch()
    circuit.delete()
    watch()
    pause()
    watch()
    Circuit.objects.all().delete()
    mail.outbox.clear()
    watch()
    assert "Over: Paused consumer" in mail.outbox[0].body


def test_alerts_are_in_the_language_of_the_shop_and_another_one_does_not_repeat_them(settings):
    settings.SHOP_LANGUAGE = "de"
    died(error=ValueError("odd"))
    pause()
    watch()
    (message,) = mail.outbox
    assert "und 1 weiteres" in message.subject
    assert "Unzustellbare Nachrichten: 1 (" in message.body
    assert "Angehaltener Konsument: 1 (payments.charge: angehalten seit" in message.body
    settings.SHOP_LANGUAGE = "en"
    assert watch() == 0
    close_all()
    watch()
    assert "Over: Unzustellbare Nachrichten: 1" in mail.outbox[1].body


def test_low_stock_alerts_and_a_declined_payment_does_not(shop, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    shop.declined()
    Product.objects.filter(sku="MUG").update(available=3)
    mail.outbox.clear()
    watch()
    (message,) = mail.outbox
    assert "Products low in stock" in message.body
    assert "declined" not in message.body


def test_what_could_not_be_sent_is_sent_by_the_next_look(settings):
    settings.SHOP_ALERT_WEBHOOK = "ftp://chat.example.com/"
    settings.SHOP_ALERT_EMAILS = []
    died(error=ValueError("odd"))
    with pytest.raises(OSError, match="SHOP_ALERT_WEBHOOK"):
        watch()
    alert.run()  # the task says so in the log, and fails nothing
    assert not Alert.objects.exists()
    settings.SHOP_ALERT_WEBHOOK, settings.SHOP_ALERT_EMAILS = "", ["ops@example.com"]
    assert watch() == 1


class Chat(BaseHTTPRequestHandler):
    """Chat that keeps what is posted to it."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(json.loads(body)["text"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_a_chat_hears_it_too(settings):
    died(error=ValueError("odd"))
    with HTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        settings.SHOP_ALERT_WEBHOOK = f"http://127.0.0.1:{server.server_port}/"
        watch()
    (text,) = Chat.heard
    assert text.startswith("shop: Dead letters")
    assert len(mail.outbox) == 1


def test_a_webhook_that_is_a_file_is_refused_and_not_opened(settings):
    settings.SHOP_ALERT_EMAILS, settings.SHOP_ALERT_WEBHOOK = [], "file:///etc/hostname"
    died(error=ValueError("odd"))
    with pytest.raises(OSError, match="https://"):
        watch()
    assert not Alert.objects.exists()


def test_nobody_is_asked_for_and_nothing_is_noted(settings):
    settings.SHOP_ALERT_EMAILS = []
    died(error=ValueError("odd"))
    assert watch() == 0
    assert not Alert.objects.exists()
