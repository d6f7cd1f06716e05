"""Returns in the figures: each counts once a step, whatever comes first, and however often its goods come."""

import random
from datetime import timedelta

import pytest
from django.db import transaction

from analytics import queries, services
from analytics.models import DailySales, OrderFact
from shop.ids import uuid7
from shop.messaging.consuming import consumers
from shop.messaging.models import InboxEntry
from tests.unit.analytics.facts import EVENING, TODAY, TOMORROW, Story, logged
from tests.unit.analytics.support import consume, figures

pytestmark = pytest.mark.django_db

FOR_EVER, A_MONTH = timedelta(days=36_500), timedelta(days=30)
COUNTS = ("returns_requested", "returns_approved", "returns_rejected", "returns_received")


def counts(**of: object) -> tuple[int, ...]:
    days = DailySales.objects.filter(**of).values_list(*COUNTS)
    return tuple(map(sum, zip(*days, strict=True)))


def test_returns_are_counted_and_not_orders_or_parcels():
    consume(Story().sent_back().events)
    assert counts() == (2, 1, 1, 1)
    assert counts(day=TODAY) == (0, 0, 0, 0)


def test_an_order_has_the_earliest_time_of_each_step():
    story = Story().sent_back()
    consume(story.events)
    fact = OrderFact.objects.get()
    minutes = [
        (at - EVENING) / timedelta(minutes=1)
        for at in (
            fact.return_requested_at,
            fact.return_rejected_at,
            fact.return_approved_at,
            fact.return_received_at,
        )
    ]
    assert minutes == [25, 35, 40, 45]


def test_a_return_counts_on_the_day_of_each_of_its_steps():
    story, one = Story().delivered(), uuid7()
    story.asked(one)
    story.now += timedelta(days=2)
    consume(story.received(one).events)
    assert counts(day=TOMORROW) == (1, 0, 0, 0)
    assert counts(day=TOMORROW + timedelta(days=2)) == (0, 0, 0, 1)


def test_the_first_of_several_receipts_counts_whichever_comes_first():
    story, one = Story().delivered(), uuid7()
    story.asked(one).received(one)
    story.now += timedelta(days=3)
    *earlier, first, second = story.received(one).events
    consume([*earlier, second])
    assert counts(day=second.meta.time.date()) == (0, 0, 0, 1)
    consume([first])
    assert counts(day=second.meta.time.date()) == (0, 0, 0, 0)
    assert counts(day=first.meta.time.date()) == (1, 0, 0, 1)


def test_a_return_counts_nowhere_before_the_currency_of_its_order_is_known():
    placed, *others = Story(currency="USD").sent_back().events
    consume(others)
    assert not DailySales.objects.filter(returns_requested__gt=0).exists()
    consume([placed])
    assert counts(currency="USD") == (2, 1, 1, 1)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_batches_give_the_same_returns(seed):
    events = [event for n in range(5) for event in Story(EVENING + timedelta(hours=n)).sent_back().events]
    with transaction.atomic():
        consume(sorted(events, key=lambda event: event.meta.time))
        expected = figures()
        transaction.set_rollback(True)
    random.Random(seed).shuffle(events)
    if seed % 2:
        events.sort(key=lambda event: event.type)  # large batches
    consume(events)
    assert figures() == expected
    assert not queries.days_that_disagree()


def test_an_event_that_comes_twice_counts_once():
    events = Story().sent_back().events
    consume(events)
    once = figures()
    consume(events[::-1])
    assert figures() == once


def test_the_audit_compares_the_days_with_the_returns_of_orders():
    consume(Story().sent_back().events)
    assert not queries.days_that_disagree()
    DailySales.objects.filter(day=TOMORROW).update(returns_received=2)
    assert queries.days_that_disagree() == [(TOMORROW, "EUR")]


@pytest.mark.django_db(transaction=True)
def test_a_rebuild_gives_the_same_returns(settings):
    settings.SHOP_INBOX_RETENTION = FOR_EVER
    events = logged(Story().sent_back(), Story(currency="USD").sent_back())
    consume(events)
    expected = figures()
    DailySales.objects.update(returns_requested=0)
    OrderFact.objects.update(returns=None, return_received_at=None)
    services.rebuild()
    assert figures() == expected


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("retention", "rebuilt"), [(FOR_EVER, (0, 0, 0, 0)), (A_MONTH, (2, 1, 1, 1))])
def test_returns_from_before_this_release_are_counted_by_a_backfill_once(settings, retention, rebuilt):
    """As in an installation that is upgraded: the log has them, and no consumer has had them.

    A rebuild takes events from before the inbox's retention for consumed.
    """
    settings.SHOP_INBOX_RETENTION = retention
    events = logged(Story().sent_back())
    is_new = [event.type.startswith("orders.Return") for event in events]
    consume([event for event, new in zip(events, is_new, strict=True) if not new])
    services.rebuild()
    assert counts() == rebuilt
    consume([event for event, new in zip(events, is_new, strict=True) if new])
    assert counts() == (2, 1, 1, 1)
    InboxEntry.objects.all().delete()
    consume([event for event, new in zip(events, is_new, strict=True) if new])
    assert counts() == (2, 1, 1, 1)


def test_their_consumers_begin_with_the_log():
    of_returns = [c for c in consumers() if c.app == "analytics" and c.event.__name__.startswith("Return")]
    assert [one.since for one in of_returns] == [0] * 4


def test_days_without_returns_take_no_statement_with_their_columns(django_assert_num_queries):
    paid = [Story().paid().events[-1] for _ in range(3)]
    with django_assert_num_queries(7) as queried:
        consume(paid)
    statements = [query["sql"] for query in queried.captured_queries]
    assert any("analytics_dailysales" in one for one in statements)
    assert not any("returns" in one for one in statements)


def test_the_funnel_tells_of_returns():
    consume(Story().sent_back().events)
    funnel = {step.step: step.orders for step in queries.funnel(since=TODAY, until=TOMORROW)}
    assert [funnel[f"return_{step}"] for step in ("requested", "approved", "rejected", "received")] == [1] * 4
