"""Tally of a run: every outcome of an event, as the worker gets it from the process of its pool."""

import pytest

from shop.messaging.consuming import circuit_breaker, runner
from shop.messaging.consuming.tally import OUTCOMES, Tally
from shop.messaging.contracts import cloudevents
from shop.messaging.errors import PermanentFailure, TooEarly
from shop.messaging.models import Circuit
from shop.messaging.publishing import unit_of_work
from shop.postgres import json_text
from tests.contracts.probe.events import ProbeSent
from tests.unit.shop.messaging.support import a_consumer, published

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _metrics(settings):
    settings.SHOP_METRICS = "127.0.0.1:9464"


def tally_of(consumer, events) -> Tally:
    """Run a consumer, and return the tally as it arrives."""
    bodies = [json_text.loads(cloudevents.encode(event)) for event in events]
    result = runner.run(consumer, bodies, [{}] * len(bodies))
    assert result
    return Tally.parse(repr(result))


def outcomes_of(handler, events, **options) -> dict[str, int]:
    tally = tally_of(a_consumer(handler, **options), events)
    return {name: number for name, number in zip(OUTCOMES, tally.outcomes, strict=True) if number}


def test_consumed_events_are_tallied_with_their_critical_times():
    tally = tally_of(a_consumer(lambda event: None), published(3))
    assert tally.outcomes == [3, 0, 0, 0, 0]
    assert tally.failed == 0
    assert len(tally.critical_times) == 3
    assert all(0 <= age < 60_000 for age in tally.critical_times)


def test_an_event_that_the_inbox_has_is_not_tallied():
    [first, second] = published(2)
    assert outcomes_of(lambda event: None, [first]) == {"consumed": 1}
    assert outcomes_of(lambda event: None, [first, second]) == {"consumed": 1}


def test_each_outcome_is_tallied_and_failed_tries_beside_them():
    def handler(event: ProbeSent) -> None:
        if problem := [None, ValueError("later"), TooEarly("early"), PermanentFailure("never")][event.number]:
            raise problem

    tally = tally_of(a_consumer(handler), published(4))
    assert dict(zip(OUTCOMES, tally.outcomes, strict=True)) == {
        "consumed": 1,
        "retried": 1,
        "deferred": 1,
        "held": 0,
        "dead": 1,
    }
    assert (
        tally.failed == 1 + runner.IMMEDIATE_TRIES + 1
    )  # the batch, the tries in a row, the permanent failure


def test_events_of_a_paused_consumer_are_tallied_as_held():
    consumer = a_consumer(lambda event: None)
    Circuit.objects.create(consumer=consumer.name, probe_at="2100-01-01T00:00Z")
    circuit_breaker.local_state.refresh()
    assert tally_of(consumer, published(2)).outcomes == [0, 0, 0, 2, 0]


def test_what_a_provider_answered_is_consumed_although_the_rest_of_the_batch_failed():
    def handler(events: list[ProbeSent]) -> None:
        failed = {event.probe_id for event in events if event.number == 1}
        with unit_of_work(leaving_out=failed):
            pass
        if failed:
            raise ValueError("the provider timed out")

    found = outcomes_of(handler, published(2), calls_outside=True, takes_batch=True)
    assert found == {"consumed": 1, "retried": 1}


def test_a_run_without_metrics_returns_nothing(settings):
    settings.SHOP_METRICS = ""
    [event] = published()
    bodies = [json_text.loads(cloudevents.encode(event))]
    assert runner.run(a_consumer(lambda event: None), bodies, [{}]) is None
