"""Rates and critical times are those of the inbox."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shop.messaging.models import InboxEntry
from shop.messaging.operations.flow import flows
from tests.support.inprocess import deliver_all

pytestmark = pytest.mark.django_db

CHARGES = "payments.when_order_created_charge_customer"


def test_events_of_the_past_minute_are_counted_with_their_critical_time(shop):
    for _ in range(3):
        shop.place()
    deliver_all()
    flow = flows()[CHARGES]
    assert flow.a_minute == 3
    assert flow.p99 is not None
    assert 0 <= flow.p99 < 60


def test_the_critical_time_is_from_the_event_to_the_inbox(shop):
    shop.place()
    deliver_all()
    late = InboxEntry.objects.get(consumer=CHARGES)
    InboxEntry.objects.filter(pk=late.pk).update(consumed_at=late.consumed_at + timedelta(seconds=30))
    assert 30 <= flows()[CHARGES].p99 < 60


def test_what_was_consumed_before_is_not_counted(shop):
    shop.place()
    deliver_all()
    InboxEntry.objects.update(consumed_at=timezone.now() - timedelta(seconds=61))
    assert CHARGES not in flows()
