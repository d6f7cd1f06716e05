"""Replay of many dead letters that continues by itself after its worker was killed."""

import json
from collections.abc import Iterator

import pytest

from tests.faults.conftest import OPTIONS, WORKERS
from tests.support.deployment import APPS, RELAY, Deployment, shared_deployment

LETTERS = 1500
CONSUMER = "analytics.when_order_cancelled_count_it"
BURY = """
    insert into messaging_deadletter (status, cause, app, consumer, type, event_id, aggregate_id, body,
                                      error_type, error, traceback, attempts)
    select 'open', 'failed', 'analytics', %s, 'orders.OrderCancelled.v1', event, about, json_build_object(
               'specversion', '1.0', 'id', event, 'source', '/shop/orders', 'time', '2026-12-24T12:00:00Z',
               'type', 'orders.OrderCancelled.v1', 'subject', about,
               'data', json_build_object('order_id', about, 'number', 'ORD-1', 'reason', 'customer'))::text,
           'ValueError', 'odd', '', 20
    from (select gen_random_uuid() as event, gen_random_uuid() as about from generate_series(1, %s)) as new
"""
START = """
from shop.messaging.dead_letters import Selection
from shop.messaging.dead_letters.tasks import replay
selection = Selection(where={"error_type": "ValueError"}).as_of_now()
print(replay.apply_async(kwargs={"selection": selection.as_json(), "by": "olga", "total": %d}).id)
"""


@pytest.fixture(scope="module", params=["rabbitmq", "embedded"])
def running_shop(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A shop of this module's own: its figures do not fit its orders afterwards."""
    with shared_deployment(request, workers=WORKERS, **OPTIONS) as shop:
        yield shop


@pytest.fixture
def replay_id(shop: Deployment) -> str:
    """Task id of a running replay."""
    shop.execute(BURY, CONSUMER, LETTERS)
    return shop.commands.check("shell", "--verbosity=0", "-c", START % LETTERS).strip()


def replayed(shop: Deployment) -> int:
    return int(shop.rows("select count(*) from messaging_deadletter where status = 'replayed'")[0][0])


def result(shop: Deployment, task_id: str) -> tuple[str, dict[str, object]]:
    query = "select status, result from django_celery_results_taskresult where task_id = %s"
    [(status, text)] = shop.rows(query, task_id) or [("PENDING", "{}")]
    return status, json.loads(text)


def test_a_replay_whose_worker_is_killed_goes_on_and_delivers_everything_once(
    shop: Deployment, replay_id: str
) -> None:
    shop.wait_until(lambda: replayed(shop) > LETTERS // 10, within=60)
    seen = result(shop, replay_id)
    shop.kill_worker(RELAY)
    shop.kill_worker(APPS)

    shop.wait_until(lambda: result(shop, replay_id)[0] == "SUCCESS", within=100, what="the end of the replay")
    assert seen[0] == "PROGRESS"
    assert 0 < seen[1]["done"] < seen[1]["total"] == LETTERS
    assert replayed(shop) == LETTERS
    assert result(shop, replay_id)[1] == {"done": LETTERS, "total": LETTERS, "open": 0, "refused": {}}
    actions = shop.rows("select count(*), count(distinct dead_letter_id) from messaging_deadletteraction")
    assert actions == [(LETTERS, LETTERS)]
    consumed = "select count(*) from messaging_inboxentry where consumer = %s"
    shop.wait_until(lambda: shop.rows(consumed, CONSUMER) == [(LETTERS,)], within=60)
