"""After a restore no number is given again."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection

from shop.ids import uuid7_at
from shop.messaging.restores import sequences
from shop.messaging.restores.sequences import LEAST_GAP, advance, suggested_gap
from tests.unit.shop.messaging.support import published

BEGINNING = uuid7_at(datetime(2020, 1, 1, tzinfo=UTC))

pytestmark = pytest.mark.django_db(transaction=True)


def next_serial() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('orders_order_serial')")
        [(serial,)] = cursor.fetchall()
    return serial


def test_all_sequences_leave_the_gap_out():
    serial = next_serial()
    user = User.objects.create(username="before")
    published()
    assert advance(1000) > 30
    assert next_serial() == serial + 1001
    assert User.objects.create(username="after").pk == user.pk + 1001
    published()
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(position) - min(position) FROM messaging_eventrecord")
        assert cursor.fetchall() == [(1001,)]


def test_a_gap_never_uses_up_a_sequence():
    with connection.cursor() as cursor:
        cursor.execute("SELECT max_value FROM pg_sequences WHERE sequencename = 'auth_user_id_seq'")
        [(most,)] = cursor.fetchall()
    advance(10**17)
    assert User.objects.create(username="after").pk < most


def test_the_gap_follows_the_rate_of_events(monkeypatch):
    published(30)
    monkeypatch.setattr(sequences, "LEAST_GAP", 50)
    assert suggested_gap(BEGINNING) == 90
    monkeypatch.undo()
    assert suggested_gap(BEGINNING) == LEAST_GAP
