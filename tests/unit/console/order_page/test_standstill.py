"""The page of an order says why it stands still."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from console.order_page.standstill import reasons_of
from shop.messaging.models import Circuit
from tests.support.inprocess import deliver_all
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = pytest.mark.django_db

CONSUMER = "payments.when_order_created_charge_customer"


@pytest.fixture
def olga() -> User:
    return User.objects.create_superuser("olga", "olga@example.com", "correct horse")


def test_a_delivered_order_waits_for_nothing(shop, olga):
    assert reasons_of(shop.delivered().pk, olga) == []


def test_an_order_says_what_it_waits_for_and_until_when(shop, olga):
    order = shop.place()
    (reason,) = reasons_of(order.pk, olga)
    assert "Waits for the payment" in reason.text
    assert reason.is_ahead
    assert not reason.has_failed


def test_a_missed_deadline_is_a_failure(shop, olga, settings):
    settings.SHOP_PAYMENT_DEADLINE = timedelta(0)
    (reason,) = reasons_of(shop.place().pk, olga)
    assert reason.has_failed


def test_a_paused_consumer_that_the_order_waits_for_is_named_with_its_next_probe(shop, olga):
    order = shop.place()
    now = timezone.now()
    for name in (CONSUMER, "orders.of_nobody"):
        Circuit.objects.create(
            consumer=name,
            opened_at=now,
            probe_at=now + timedelta(seconds=20),
            last_error="gateway out of service",
        )
    first, *others = reasons_of(order.pk, olga)
    assert CONSUMER in first.text
    assert "gateway out of service" in first.text
    assert first.is_ahead
    assert first.url == "/admin/messaging/circuit/"
    assert not any("orders.of_nobody" in reason.text for reason in others)


def test_a_consumer_that_has_consumed_it_already_holds_nothing_up(shop, olga):
    order = shop.place()
    deliver_all()
    now = timezone.now()
    Circuit.objects.create(consumer=CONSUMER, opened_at=now, probe_at=now, last_error="odd")
    assert not any(CONSUMER in reason.text for reason in reasons_of(order.pk, olga))


def test_dead_letters_are_named_and_linked_for_those_who_may_see_them(shop, olga, django_user_model):
    order = shop.delivered()
    died(error=ValueError("odd"), order_id=order.pk)
    (reason,) = reasons_of(order.pk, olga)
    assert "orders.OrderCancelled.v1" in reason.text
    assert reason.url.endswith(f"?q={order.pk}")
    sam = django_user_model.objects.create_user("sam", is_staff=True)
    assert [reason.url for reason in reasons_of(order.pk, sam)] == [""]
