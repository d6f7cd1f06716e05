"""New consumers: the doctor sends them nothing that happened before they began, unless they ask for it."""

from dataclasses import replace

import pytest

from console.audit import audit
from console.doctor.checkups import check_up
from shop.messaging.consuming import registry
from shop.messaging.consuming.subscriptions import last_position
from shop.messaging.models import EventRecord, InboxEntry, OutboxEntry, Subscription
from tests.unit.console.damage import deliver_without, repair, states


def make_new(name: str) -> None:
    """Have a consumer look as if this release had brought it."""
    InboxEntry.objects.filter(consumer=name).delete()
    Subscription.objects.filter(consumer=name).delete()


@pytest.fixture
def mailer():
    """Name of the consumer that tells customers of their parcels."""
    (found,) = [
        one.name
        for one in registry.consumers()
        if one.app == "notifications" and one.event.__name__ == "OrderShipped"
    ]
    return found


@pytest.fixture
def declare(monkeypatch):
    """Return a function that has a registered consumer declare something."""

    def change(name: str, **declared) -> None:
        changed = {
            key: replace(one, **declared) for key, one in registry._consumers.items() if one.name == name
        }
        monkeypatch.setattr(registry, "_consumers", registry._consumers | changed)

    return change


def sent_to(app: str) -> list[str]:
    return list(
        OutboxEntry.objects.filter(queue=f"{app}.events").order_by("id").values_list("type", flat=True)
    )


def test_a_new_consumer_is_sent_nothing_that_happened_before_it(shop, mailer):
    shop.delivered()
    make_new(mailer)

    assert repair().outcomes == []
    assert sent_to("notifications") == []
    assert Subscription.objects.get(consumer=mailer).position == last_position()


def test_an_audit_misses_nothing_from_before_a_consumer_began(shop, mailer):
    shop.delivered()
    make_new(mailer)

    assert audit(idle=True).holds
    repair()
    assert audit(idle=True).holds


def test_what_a_new_consumer_loses_after_it_began_is_resent(shop, mailer):
    shop.delivered()
    make_new(mailer)
    repair()
    shop.place()
    deliver_without(mailer)

    assert ("lost", "repaired") in states(repair())
    assert sent_to("notifications") == ["shipping.OrderShipped.v2"]


def test_a_consumer_that_declares_from_beginning_is_sent_the_log_once(shop, mailer, declare):
    shop.delivered()
    shop.delivered()
    make_new(mailer)
    declare(mailer, since=0)

    assert states(repair()) == {("backfill", "repaired")}
    assert len(sent_to("notifications")) == 2
    assert repair().counts["repaired"] == 0
    shop.run_to_end()
    assert repair().outcomes == []


def test_a_consumer_that_declares_a_position_is_sent_what_came_after_it(shop, mailer, declare):
    shop.delivered()
    position = EventRecord.objects.latest("position").position
    shop.delivered()
    make_new(mailer)
    declare(mailer, since=position)

    repair()
    assert len(sent_to("notifications")) == 1


def test_a_dry_run_says_what_a_backfill_would_send_and_sends_nothing(shop, mailer, declare):
    shop.delivered()
    make_new(mailer)
    declare(mailer, since=0)

    assert ("backfill", "repairable") in states(check_up(by="dora", repair=False))
    assert sent_to("notifications") == []
