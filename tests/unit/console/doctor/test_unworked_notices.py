"""Notices of providers whose message the broker lost are delivered again."""

import json

import pytest

from shop.messaging.models import OutboxEntry
from shop.webhooks import notices
from shop.webhooks.endpoints import Notice
from shop.webhooks.models import ProviderNotice
from tests.unit.console.damage import repair, states
from tests.unit.shop.webhooks import test_webhooks
from tests.unit.shop.webhooks.test_webhooks import lighthouse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _notice(settings):
    settings.SHOP_WEBHOOKS = {"lighthouse": f"{test_webhooks.__name__}.lighthouse"}
    notices.receive("lighthouse", Notice("n-1", "seen", "Mary Celeste"), b"{}", endpoint=lighthouse)


def test_a_notice_that_waits_for_the_broker_is_left_alone():
    assert repair().outcomes == []


def test_a_notice_that_was_lost_is_delivered_again():
    OutboxEntry.objects.all().delete()
    assert states(repair()) == {("notice", "repaired")}
    [entry] = OutboxEntry.objects.all()
    assert json.loads(entry.body)["data"] == {"notice_id": str(ProviderNotice.objects.get().pk)}


def test_a_notice_that_is_worked_is_left_alone():
    OutboxEntry.objects.all().delete()
    notices.mark_as_worked(ProviderNotice.objects.get().pk)
    assert repair().outcomes == []
