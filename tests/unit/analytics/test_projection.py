"""Projection: the figures follow from the events, in any order and in any batches."""

import random
from datetime import date, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.db import connection, transaction

from analytics import queries
from analytics.models import DailySales, OrderFact, ProductRevenue, ProductSales, Step
from payments.events import PaymentRefunded
from shop.ids import uuid7
from shop.messaging.consuming import consumers
from shop.messaging.models import DeadLetter, InboxEntry, ScheduledMessage
from tests.unit.analytics.facts import EVENING, OUTCOMES, TODAY, TOMORROW, Story, at, stories
from tests.unit.analytics.support import consume, figures

EUR = {"currency": "EUR"}


@pytest.mark.django_db
def test_a_delivered_order_counts_on_the_days_of_its_steps():
    consume(
        Story().delivered().events
    )  # placed 23:45, paid 23:50, stocked 23:55, shipped 00:00, delivered 00:05

    evening, morning = DailySales.objects.order_by("day")
    assert (evening.day, evening.orders_placed, evening.orders_paid) == (TODAY, 1, 1)
    assert (evening.orders_shipped, evening.orders_delivered) == (0, 0)
    assert evening.revenue_captured == Decimal("30.00")
    assert (morning.day, morning.orders_placed, morning.orders_paid) == (TOMORROW, 0, 0)
    assert (morning.orders_shipped, morning.orders_delivered, morning.orders_cancelled) == (1, 1, 0)


@pytest.mark.django_db
def test_a_cancelled_order_gives_back_money_and_goods():
    consume(Story(tea=3).cancelled().events)

    sums = {key: sum(day[key] for day in DailySales.objects.values()) for key in figures()["DailySales"][0]
            if key.startswith(("orders", "revenue"))}  # fmt: skip
    assert sums["orders_cancelled"] == 1
    assert sums["orders_shipped"] == 0
    assert sums["revenue_captured"] == sums["revenue_refunded"] == Decimal("30.00")
    tea = ProductSales.objects.get()
    assert (tea.quantity_ordered, tea.quantity_sold, tea.quantity_restocked) == (3, 3, 3)


@pytest.mark.django_db
def test_what_was_only_held_is_no_revenue_that_is_given_back():
    story = Story(tea=3).captured()
    story.then(PaymentRefunded, payment_id=story.payment_id, refund_id=uuid7(), amount=story.total, held=True)
    consume(story.events)
    assert sum(day.revenue_refunded for day in DailySales.objects.all()) == 0


@pytest.mark.django_db
def test_an_order_counts_nowhere_before_its_currency_is_known_and_everywhere_after():
    *_, shipped = Story().shipped().events
    consume([shipped])
    assert not DailySales.objects.exists()
    assert OrderFact.objects.get().shipped_at == shipped.meta.time

    story = Story()
    story.order_id = shipped.order_id
    consume(story.placed().events)
    assert DailySales.objects.get(day=TOMORROW, **EUR).orders_shipped == 1


@pytest.mark.django_db
def test_times_come_from_the_events_and_never_from_the_clock():
    consume(Story().delivered().events)
    fact = OrderFact.objects.get()
    assert fact.placed_at == EVENING
    assert fact.delivered_at == EVENING + timedelta(minutes=20)


@pytest.mark.django_db
def test_an_event_that_comes_twice_counts_once():
    events = Story().cancelled().events
    consume(events)
    once = figures()
    consume(events)
    consume(events[::-1])
    assert figures() == once


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_batches_give_the_same_figures(seed):
    events = [event for story in stories(3 * len(OUTCOMES)) for event in story.events]
    with transaction.atomic():
        consume(sorted(events, key=lambda event: event.meta.time))
        expected = figures()
        transaction.set_rollback(True)
    assert expected["OrderFact"]
    random.Random(seed).shuffle(events)
    if seed % 2:
        events.sort(key=lambda event: event.type)  # large batches
    consume(events)
    assert figures() == expected


@pytest.mark.django_db
def test_a_product_is_called_as_its_newest_order_calls_it():
    older, newer = Story(EVENING, tea=1).placed().events[0], Story(EVENING, tea=1).placed().events[0]
    line = newer.lines[0].model_copy(update={"name": "Finest Tea"})
    newer = at(newer.model_copy(update={"lines": (line,)}), EVENING + timedelta(hours=1))
    consume([newer])
    consume([older])
    assert ProductSales.objects.get().name == "Finest Tea"
    assert ProductSales.objects.get().quantity_ordered == 2


@pytest.mark.django_db
def test_currencies_are_kept_apart():
    consume(Story(currency="EUR", tea=1).paid().events)
    consume(Story(currency="USD", tea=2).paid().events)
    assert set(DailySales.objects.values_list("currency", "revenue_captured")) == {("EUR", 10), ("USD", 20)}
    assert set(ProductRevenue.objects.values_list("currency", "ordered")) == {("EUR", 10), ("USD", 20)}
    assert ProductSales.objects.get().quantity_ordered == 3


@pytest.mark.django_db
@pytest.mark.parametrize(("outcome", "statements"), [("placed", 9), ("paid", 7)])
def test_a_batch_takes_the_same_few_statements_whatever_its_size(
    outcome, statements, django_assert_num_queries
):
    few, many = ([getattr(Story(), outcome)().events[-1] for _ in range(n)] for n in (2, 200))
    with django_assert_num_queries(statements):
        consume(few)
    with django_assert_num_queries(statements):
        consume(many)


@pytest.mark.django_db
def test_what_happens_to_known_orders_takes_two_statements_more(django_assert_num_queries):
    paid = [Story().paid().events for _ in range(20)]
    consume([placed for placed, *_ in paid])
    with django_assert_num_queries(7 + 2):
        consume([event for *_, event in paid])


@pytest.mark.django_db
def test_every_step_has_a_consumer_and_a_column():
    measured = set()
    for story in stories(len(OUTCOMES)):
        consume(story.events)
    fact_columns = {field.name for field in OrderFact._meta.fields}
    assert {step.column for step in Step} <= fact_columns
    for fact in OrderFact.objects.values():
        measured |= {name for name, value in fact.items() if name.endswith("_at") and value} - {
            "paid_back_at"
        }
    rare = {
        Step.REFUND_FAILED,
        Step.SHIPMENT_FAILED,
        Step.DELIVERY_FAILED,
        Step.NEEDS_ATTENTION,
        Step.RESUMED,
        Step.SETTLED,
        Step.RETURN_REQUESTED,
        Step.RETURN_APPROVED,
        Step.RETURN_REJECTED,
        Step.RETURN_RECEIVED,
    }
    assert measured == {step.column for step in set(Step) - rare}
    # Goods come back into the stock by two events, of a stopped order and of a refund.
    assert len([c for c in consumers() if c.app == "analytics"]) == len(Step) + 1


@pytest.mark.django_db(transaction=True)
def test_workers_with_opposed_batches_of_the_same_orders_do_not_block_each_other():
    orders = list(stories(40))
    types = sorted({event.type for story in orders for event in story.events})

    def work(backwards: bool) -> None:
        for type_ in types if backwards else types[::-1]:
            batch = [e for story in orders for e in story.events if e.type == type_]
            consume(batch[:: -1 if backwards else 1])
        connection.close()

    workers = [Thread(target=work, args=[backwards]) for backwards in (True, False, True)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not ScheduledMessage.objects.exists()
    assert not DeadLetter.objects.exists()
    events = [event for story in orders for event in story.events]
    assert InboxEntry.objects.count() == len(events)
    at_once = figures()
    for name in ("OrderFact", "DailySales", "ProductSales", "ProductRevenue"):
        assert at_once[name]
    placed = sum(day["orders_placed"] for day in at_once["DailySales"])
    assert placed == len(orders)


# --- Queries ---------------------------------------------------------------------------------


@pytest.fixture
def sales(db):
    for story in stories(14):
        consume(story.events)


def test_daily_sales_tell_orders_and_revenue(sales):
    days = queries.daily_sales(since=TODAY, until=TOMORROW)
    assert [(d.day, d.currency) for d in days] == [
        (TOMORROW, "EUR"), (TOMORROW, "USD"), (TODAY, "EUR"), (TODAY, "USD"),
    ]  # fmt: skip
    assert sum(d.orders_placed for d in days) == 14
    only = queries.daily_sales(since=TODAY, until=TODAY, currency="USD")
    assert [(d.day, d.currency) for d in only] == [(TODAY, "USD")]
    assert only[0].revenue == only[0].revenue_captured - only[0].revenue_refunded
    assert queries.daily_sales(since=date(2020, 1, 1), until=date(2020, 1, 2)) == []


def test_best_sellers_are_ranked_by_what_left_for_good(db):
    consume(Story(tea=5).cancelled().events)
    consume(Story(pot=2).stocked().events)
    consume(Story(cup=3).placed().events)
    assert [(p.sku, p.quantity_sold, p.quantity_restocked) for p in queries.best_sellers()] == [
        ("pot", 2, 0),
        ("cup", 0, 0),
        ("tea", 5, 5),
    ]
    assert [p.sku for p in queries.best_sellers(by="ordered", limit=2)] == ["tea", "cup"]
    assert queries.best_sellers(by="restocked")[0].revenue_ordered == (queries.Revenue(Decimal(50), "EUR"),)


def test_the_funnel_tells_how_far_orders_got(sales):
    funnel = {step.step: step for step in queries.funnel(since=TODAY, until=TOMORROW)}
    assert {name: funnel[name].orders for name in ("placed", "paid", "stocked", "shipped", "delivered")} == {
        "placed": 14,
        "paid": 10,
        "stocked": 8,
        "shipped": 6,
        "delivered": 2,
    }
    assert funnel["cancelled"].orders == 8
    assert funnel["paid"].share == pytest.approx(10 / 14)
    assert all(step.share == 0 for step in queries.funnel(since=date(2020, 1, 1), until=date(2020, 1, 2)))


def test_step_times_tell_median_and_99th_percentile(db):
    for minutes in (1, 2, 3, 4, 100):
        story = Story().placed()
        consume(story.then(type(Story().paid().events[1]), minutes, **paid(story)).events)
    times = {(t.since, t.until): t for t in queries.step_times(since=TODAY, until=TODAY)}
    paying = times["placed", "paid"]
    assert (paying.orders, paying.p50) == (5, 180)
    assert paying.p99 == pytest.approx(60 * (4 + 96 * 0.96))
    assert times["shipped", "delivered"] == queries.StepTime("shipped", "delivered", 0, None, None)


def paid(story):
    return {"payment_id": story.payment_id, "amount": story.total}
