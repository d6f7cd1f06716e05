"""Layouts of workers, paces and backlogs of script/bench."""

import re
import time
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest

from dev.bench import layouts, progress
from dev.bench.chain import backlog
from dev.bench.chain.race import Outcome
from dev.bench.competitors import steps
from dev.bench.competitors.common import place_at_pace
from dev.bench.layouts import NoLayout
from dev.bench.limits.latency import NoPace, parse_pace
from dev.bench.progress import Progress, Stalled
from shop.messaging.relay import shards
from shop.messaging.relay.step import RELAY_QUEUE
from shop.settings import CONTEXTS


@pytest.mark.parametrize("text", ["each", "1", "2", "1x2", "12x3"])
def test_a_layout_reads_as_it_is_written(text):
    assert str(layouts.parse(text)) == text


def test_competitors_place_their_orders_at_the_pace_and_not_in_a_burst():
    placed = []
    place_at_pace(lambda order: placed.append((order, time.monotonic())), count=6, rate=50)
    assert len({order for order, _ in placed}) == 6
    assert placed[-1][1] - placed[0][1] > 4 / 50


@pytest.mark.parametrize("text", ["", "0", "two", "2x0", "-1", "1x", "Each"])
def test_what_is_no_layout_is_told_what_is(text):
    with pytest.raises(NoLayout, match="'1x2'"):
        layouts.parse(text)


@pytest.mark.parametrize("text", ["each", "1", "3x2"])
def test_every_layout_serves_every_context_and_one_relay(text):
    served = layouts.parse(text).queues().values()

    assert set(chain.from_iterable(served)) == {*CONTEXTS, RELAY_QUEUE}
    assert [queues for queues in served if RELAY_QUEUE in queues] == [[RELAY_QUEUE]]


def test_only_workers_for_all_contexts_have_several_processes(tmp_path):
    started = layouts.parse("2x3").programs({}, home=tmp_path)

    processes = {program.name: program.argv[program.argv.index("-c") + 1] for program in started}
    assert processes == {"messaging": "1", "worker1": "3", "worker2": "3"}


def test_who_holds_the_relay_back_holds_the_locks_that_it_wants():
    assert backlog.SHARD_LOCK == shards.SHARD_LOCK


def test_a_backlog_has_a_rate_to_the_last_parcel_and_one_to_the_end_of_everything():
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    outcome = Outcome(
        300, noon, noon + timedelta(seconds=10), noon + timedelta(seconds=15), {"relay": 0.3, "workers": 6}
    )

    assert (outcome.shipped_rate, outcome.done_rate) == (30, 20)
    assert outcome.cost() == {"all": 21, "relay": 1, "workers": 20}


def test_a_pace_is_so_many_orders():
    assert parse_pace("200:15").orders == 3000
    assert parse_pace("0.1:5").orders == 2


@pytest.mark.parametrize("text", ["10", "10:", "0:5", "10:-1", "fast:5", "1:2:3", "inf:1"])
def test_what_is_no_pace_is_told_what_is(text):
    with pytest.raises(NoPace, match="RATE:SECONDS"):
        parse_pace(text)


def test_the_steps_of_others_are_the_same_ones_in_all_of_them():
    tasks = (Path(steps.__file__).parent / "idiomatic" / "tasks.py").read_text()

    assert re.findall(r"def (\w+)\(order_id", tasks) == [*steps.STEPS]
    assert steps.TABLES.count(str(steps.PRODUCTS - 1)) == 1


def test_orders_that_get_no_further_are_an_error_that_tells_how_far_they_got(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    on_their_way = Progress("the shop", "shipped", 300, timeout=60)

    on_their_way.note(40)
    clock.now = 59.0
    on_their_way.note(41)
    clock.now = 118.0
    on_their_way.note(41)
    clock.now = 120.0

    with pytest.raises(Stalled, match="the shop: 41 of 300 orders shipped"):
        on_their_way.note(41)
