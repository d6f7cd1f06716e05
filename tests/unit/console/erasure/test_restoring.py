"""Customers who come back with a back-up are forgotten again."""

import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from console.erasure.erasures_file import erasures
from orders.models import Order
from shop.messaging.models import ScheduledMessage
from shop.privacy import data_keys
from shop.privacy.models import DataSubject
from tests.support.inprocess import fire_reminders
from tests.unit.console.erasure.conftest import WORDS
from tests.unit.console.erasure.traces import forget, traces

pytestmark = pytest.mark.django_db


def test_erasures_are_kept_apart_without_a_name(zebulon):
    zebulon.order()
    forget(zebulon.user)
    file = Path(settings.SHOP_ERASURES_FILE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [erasure] = erasures()
    assert erasure.subject_id == DataSubject.objects.get(account_id=zebulon.user.pk).pk
    assert not [word for word in WORDS if word in file.read_text().lower()]


def restored(user: User, subject: DataSubject | None) -> None:
    """Bring back what a back-up from before the erasure has of a customer."""
    DataSubject.objects.filter(account_id=user.pk).delete()
    user.save()
    if subject:
        subject.save()
    data_keys.cache.clear()


def test_a_customer_who_came_back_with_a_back_up_is_forgotten_again(zebulon, capsys):
    order = zebulon.order()
    subject = DataSubject.objects.get(account_id=zebulon.user.pk)
    forget(zebulon.user)
    restored(zebulon.user, subject)
    order.save()
    assert "orders_order.ship_street" in traces(WORDS)
    call_command("apply_erasures")
    assert "Forgotten again: 1" in capsys.readouterr().out
    fire_reminders()
    assert traces(WORDS) == set()


def test_a_customer_whose_first_order_came_after_the_back_up_is_forgotten_again(zebulon, capsys):
    zebulon.order()
    forget(zebulon.user)
    restored(zebulon.user, None)
    call_command("apply_erasures")
    assert "Forgotten again: 1" in capsys.readouterr().out
    assert "auth_user.email" not in traces(WORDS)


def test_an_account_that_got_the_number_of_a_forgotten_one_is_left_alone(zebulon, capsys):
    zebulon.order()
    forget(zebulon.user)
    DataSubject.objects.all().delete()
    User.objects.filter(pk=zebulon.user.pk).update(email="new@example.com", date_joined="2031-01-01T00:00Z")
    capsys.readouterr()
    call_command("apply_erasures")
    assert capsys.readouterr().out == "Forgotten again: 0\nNot in this database: 1\n"
    assert User.objects.get(pk=zebulon.user.pk).email == "new@example.com"


def test_erasures_are_applied_again_without_harm(zebulon, capsys):
    zebulon.order()
    forget(zebulon.user)
    call_command("apply_erasures")
    assert "Forgotten again: 0" in capsys.readouterr().out
    assert len(erasures()) == 1


def test_an_erasure_whose_timer_is_lost_with_the_broker_is_finished(zebulon, capsys):
    order = zebulon.order()
    address = order.ship_street
    forget(zebulon.user)
    Order.objects.filter(pk=order.pk).update(ship_street=address)
    ScheduledMessage.objects.all().delete()
    call_command("apply_erasures")
    fire_reminders()
    assert traces(WORDS) == set()
    call_command("apply_erasures")
    assert not ScheduledMessage.objects.filter(type__startswith="orders.ErasureDue").exists()
