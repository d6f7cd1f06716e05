"""What script/bench makes of what it measured."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest

from script.support.bench import backlog, layouts, messages, plot, progress, raw
from script.support.bench.figures import Report, Series, percentile
from script.support.bench.latency import NoPace, parse_pace
from script.support.bench.layouts import NoLayout
from script.support.bench.peers import steps
from script.support.bench.progress import Progress, Stuck
from script.support.bench.race import Outcome
from script.support.errors import ScriptError
from shop.choreography import CHAIN
from shop.messaging import relay
from shop.messaging.consuming import events_queue
from shop.messaging.worker import RELAY_QUEUE
from shop.settings import CONTEXTS


def test_a_slow_run_does_not_change_how_two_series_compare():
    ours = Series("shop", "events/s", (12_000, 6_000, 12_000))
    raw_publishing = Series("raw", "events/s", (16_000, 8_000, 16_000))

    assert ours.over(raw_publishing, "shop / raw").values == (0.75, 0.75, 0.75)


def test_the_report_shows_the_median_between_its_extremes():
    report = Report("Relay", [Series("shop", "events/s", (9_000, 12_345, 15_000, 8_000, 14_000))])

    (row,) = zip(*(column.cells for column in report.table().columns), strict=True)

    assert row == ("shop", "12,345", "8,000", "15,000", "events/s")


def test_the_file_keeps_every_single_run():
    report = json.loads(Report("Relay", [Series("shop", "events/s", (9_000, 12_000))]).as_json())

    assert report["series"][0]["values"] == [9_000, 12_000]
    assert "cores" in report["machine"]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.50, 30), (0.99, 60), (0.98, 59)], ids=["p50", "p99", "p98"]
)
def test_a_percentile_is_a_value_that_was_measured(share, expected):
    assert percentile([*range(60, 0, -1)], share) == expected


def test_the_relayed_event_has_the_queues_that_the_chain_gives_it():
    consumers = {events_queue(reaction.app) for reaction in CHAIN if reaction.event is messages.EVENT}

    assert set(messages.QUEUES) == consumers


def test_confirms_count_in_whatever_order_they_come():
    channel = SimpleNamespace(events={"basic_ack": set()})
    confirms = raw._Confirms(connection=None, channel=channel)
    (on_ack,) = channel.events["basic_ack"]

    on_ack(3, False)
    on_ack(2, True)
    on_ack(5, False)

    confirms.wait_until(4)  # 1, 2, 3 and 5: it does not have to read any more
    with pytest.raises(AttributeError):
        confirms.wait_until(5)


@pytest.mark.parametrize("text", ["each", "1", "2", "1x2", "12x3"])
def test_a_layout_reads_as_it_is_written(text):
    assert str(layouts.parse(text)) == text


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
    assert backlog.SHARD_LOCK == relay.SHARD_LOCK


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


def test_a_picture_groups_its_bars_by_unit_in_the_order_of_the_report():
    report = Report(
        "Chain",
        [
            Series("shop", "orders/s", (90, 120, 100)),
            Series("shop / other", "times", (1.5,)),
            Series("other", "orders/s", (60, 60, 60)),
        ],
    )

    rates, ratios = plot.picture_of(report)["groups"]

    assert (rates["unit"], [bar["label"] for bar in rates["bars"]]) == ("orders/s", ["shop", "other"])
    assert [bar["label"] for bar in ratios["bars"]] == ["shop / other"]


def test_a_bar_tells_its_extremes_unless_they_are_the_same():
    series = [Series("shop", "orders/s", (90, 120, 100)), Series("other", "orders/s", (60, 60))]

    shop, other = plot.picture_of(Report("Chain", series))["groups"][0]["bars"]

    assert (shop["min"], shop["median"], shop["max"], shop["text"]) == (90, 100, 120, "100  (90.0 - 120)")
    assert other["text"] == "60.0"


@pytest.mark.parametrize("name", ["chain.pdf", "chain", "missing/chain.png"])
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_measured(name, tmp_path):
    with pytest.raises(ScriptError, match=r"chain\.png to|let it end in"):
        plot.check(tmp_path / name)


def test_the_steps_of_others_are_the_same_ones_in_all_of_them():
    tasks = (Path(steps.__file__).parent / "idiomatic" / "tasks.py").read_text()

    assert re.findall(r"def (\w+)\(order_id", tasks) == [*steps.STEPS]
    assert steps.TABLES.count(str(steps.PRODUCTS - 1)) == 1


def test_orders_that_get_no_further_are_an_error_that_tells_how_far_they_got(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    on_their_way = Progress("the shop", "shipped", 300, patience=60)

    on_their_way.note(40)
    clock.now = 59.0
    on_their_way.note(41)
    clock.now = 118.0
    on_their_way.note(41)
    clock.now = 120.0

    with pytest.raises(Stuck, match="the shop: 41 of 300 orders shipped"):
        on_their_way.note(41)
