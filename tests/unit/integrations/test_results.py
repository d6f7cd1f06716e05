"""Consequences of answers: attempts, rests, pauses and mails."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from integrations import repository, resending, schedule, services
from integrations.http_client import Answer
from integrations.models import Delivery, Endpoint
from integrations.repository import Limits
from integrations.requests import Result
from integrations.results import record_results
from shop.ids import uuid7
from shop.messaging.event_log import LoggedFact
from tests.support.inprocess import deliver_all
from tests.unit.integrations.happenings import CANCELLED, cancelled, resumed

pytestmark = pytest.mark.django_db
ALL = Limits(schedule.BREAKER_OPENS_AT, 8, 2, 64)


def claim(limits: Limits = ALL, slow: tuple = ()) -> list[Delivery]:
    return repository.claim(limits, slow=slow, lease=timedelta(seconds=60))


def answered(delivery: Delivery, status: int | None, retry_after: str = "") -> Delivery:
    """Record the answer of a request."""
    answer = Answer(status, "text", retry_after) if status else None
    record_results(
        [Result(delivery, timezone.now(), {"webhook-id": "1"}, 0.1, answer, "" if answer else "away")]
    )
    return Delivery.objects.get(pk=delivery.pk)


def fail(times: int, status: int = 500) -> None:
    """Have one event after the other fail."""
    for _ in range(times):
        cancelled()
        Endpoint.objects.update(retry_at=None)
        answered(claim()[-1], status)
        Delivery.objects.update(leased_until=None)


def test_the_default_waits_grow_over_three_days():
    from shop.endpoint_settings import endpoint_settings  # noqa: PLC0415 - the tests' own settings are shorter

    waits = [float(wait) for wait in endpoint_settings()["SHOP_ENDPOINT_RETRIES"]]
    assert all(one <= other for one, other in pairwise(waits))
    assert timedelta(hours=60) < timedelta(seconds=sum(waits)) <= schedule.LIFETIME


def test_jitter_spreads_the_waits(settings):
    settings.SHOP_ENDPOINT_RETRIES = ["100"]
    waits = {schedule.retry_delay(1) for _ in range(50)}
    assert len(waits) > 10
    assert all(timedelta(seconds=80) <= wait <= timedelta(seconds=100) for wait in waits)
    assert schedule.retry_delay(2) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("999999999999", 86400), ("0", None), ("-5", None), ("soon", None), ("", None),
     ("²", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("Wed, 21 Oct 2099 07:28:00 GMT", 86400)],
)  # fmt: skip
def test_retry_after(text, seconds):
    assert schedule.asked_wait(text) == (seconds and timedelta(seconds=seconds))


def test_an_endpoint_that_asks_for_time_gets_it(endpoint):
    made = endpoint()
    cancelled()
    now = timezone.now()
    delivery = answered(claim()[0], 429, "3600")
    made.refresh_from_db()
    assert delivery.due_at >= now + timedelta(hours=1)
    assert made.retry_at
    assert made.retry_at >= now + timedelta(hours=1)
    cancelled()
    assert not claim()


def test_the_last_failed_attempt_gives_the_delivery_up(endpoint, settings):
    settings.SHOP_ENDPOINT_RETRIES = ["0"]
    endpoint()
    cancelled()
    assert answered(claim()[0], 500).state == "pending"
    assert answered(claim()[0], 500).state == "failed"


def test_a_delivery_that_was_given_up_lets_the_next_of_its_order_go(endpoint, settings):
    settings.SHOP_ENDPOINT_RETRIES = []
    endpoint()
    order_id = uuid7()
    first, second = cancelled(order_id), resumed(order_id)
    (one,) = claim()
    assert one.event_id == first.meta.id
    answered(one, 500)
    assert [two.event_id for two in claim()] == [second.meta.id]


def test_after_failures_in_a_row_an_endpoint_rests_and_then_gets_one_delivery(endpoint, settings):
    settings.SHOP_ENDPOINT_REST = timedelta(seconds=30)
    made = endpoint()
    fail(schedule.BREAKER_OPENS_AT)
    made.refresh_from_db()
    assert made.retry_at
    assert made.retry_at > timezone.now()
    assert not claim()
    Endpoint.objects.update(retry_at=timezone.now())
    Delivery.objects.update(due_at=timezone.now())
    assert len(claim()) == 1
    assert not claim()


def test_failures_at_once_make_one_rest_and_not_the_longest(endpoint, settings):
    settings.SHOP_ENDPOINT_REST = timedelta(seconds=30)
    made = endpoint()
    for _ in range(8):
        cancelled()
    record_results([Result(one, timezone.now(), {"a": "b"}, 0.1, error="away") for one in claim()])
    made.refresh_from_db()
    assert made.failures == schedule.BREAKER_OPENS_AT
    assert made.retry_at
    assert made.retry_at <= timezone.now() + timedelta(seconds=30)


def test_one_endpoint_rests_and_others_do_not(endpoint, settings):
    settings.SHOP_ENDPOINT_REST = timedelta(seconds=30)
    endpoint("/a")
    fail(schedule.BREAKER_OPENS_AT)
    other = endpoint("/b")
    cancelled()
    assert {one.endpoint_id for one in claim()} == {other.pk}


def test_when_a_probe_succeeds_all_that_waits_is_due(endpoint):
    made = endpoint()
    fail(schedule.BREAKER_OPENS_AT)
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=9))
    probe = Delivery.objects.earliest("pk")
    answered(probe, 200)
    made.refresh_from_db()
    assert (made.failures, made.failing_since, made.retry_at) == (0, None, None)
    assert len(claim()) == schedule.BREAKER_OPENS_AT - 1


def test_a_slow_endpoint_gets_few_at_once(endpoint):
    made = endpoint()
    for _ in range(6):
        cancelled()
    assert len(claim(slow=(made.pk,))) == 2
    assert not claim(slow=(made.pk,))
    assert len(claim()) == 4


def test_days_of_failures_pause_the_endpoint_and_its_contact_gets_one_mail(endpoint, settings):
    settings.SHOP_ENDPOINT_PAUSE_AFTER = timedelta(days=5)
    made = endpoint()
    fail(1)
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=4.9))
    fail(1)
    assert Endpoint.objects.get(pk=made.pk).state == "enabled"
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=5))
    fail(1)
    made.refresh_from_db()
    assert made.state == "paused"
    deliver_all()
    (letter,) = mail.outbox
    assert letter.to == ["ops@example.com"]
    assert made.url in letter.body
    assert str(made.pk) in letter.body


def test_the_letter_to_its_contact_is_in_the_language_of_the_shop(endpoint, settings):
    settings.SHOP_LANGUAGE = "de"
    made = endpoint()
    cancelled()
    answered(claim()[0], 410)
    deliver_all()
    (letter,) = mail.outbox
    assert "keine Webhooks mehr" in letter.body
    assert "Es antwortet 410 Gone" in letter.body
    assert f"/api/v1/webhook-endpoints/{made.pk}/resume" in letter.body


def test_410_stops_it_at_once_and_tells_its_contact(endpoint):
    made = endpoint()
    cancelled(), cancelled()
    answered(claim()[0], 410)
    assert Endpoint.objects.get(pk=made.pk).state == "gone"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"failed"}
    deliver_all()
    assert "410" in mail.outbox[0].body
    cancelled()
    assert Delivery.objects.count() == 2


def test_an_endpoint_that_was_deleted_meanwhile_takes_its_results_along(endpoint):
    made = endpoint()
    cancelled()
    (delivery,) = claim()
    services.delete_endpoint(endpoint_id=made.pk)
    record_results([Result(delivery, timezone.now(), {}, 0.1, Answer(200, "", ""))])
    assert not Delivery.objects.exists()


def test_what_is_too_old_is_given_up_without_an_attempt(endpoint):
    endpoint()
    cancelled()
    Delivery.objects.update(expires_at=timezone.now())
    assert repository.give_up_expired() == 1
    assert Delivery.objects.get().state == "failed"


def test_an_answer_with_characters_that_postgresql_cannot_store_is_kept(endpoint):
    endpoint()
    cancelled()
    (delivery,) = claim()
    record_results([Result(delivery, timezone.now(), {"a": "b"}, 0.1, Answer(200, "a\x00b", ""))])
    assert delivery.history.get().answer == "ab"


def test_a_test_is_signed_as_an_event_and_held_up_by_none(endpoint):
    made = endpoint()
    delivery = resending.send_test(endpoint_id=made.pk)
    assert [one.pk for one in claim()] == [delivery.pk]


def test_a_claim_reads_little_however_much_waits(endpoint):
    """In a table that PostgreSQL has no statistics of."""
    made, now = endpoint(), timezone.now()
    facts = [LoggedFact(uuid7(), CANCELLED, uuid7(), 1, now) for _ in range(1000)]
    Delivery.objects.bulk_create(services.deliveries_of(made, facts))
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "FOR UPDATE SKIP LOCKED" in sql:
            execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params, many, context)
            plans.extend(row[0] for row in context["cursor"].fetchall())
            Delivery.objects.update(leased_until=None)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        assert len(claim()) == 8
    [[plan]] = plans
    assert plan["Plan"]["Shared Hit Blocks"] < 1000
