"""Reports of script/bench, and the confirms of its baseline."""

import json
from types import SimpleNamespace

import pytest

from dev.bench import baseline, messages
from dev.bench.report.figures import Report, Series, percentile
from shop.messaging.consuming import consumers as registered
from shop.messaging.consuming import events_queue


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
    consumers = {events_queue(one.app) for one in registered() if one.event is messages.EVENT}

    assert set(messages.QUEUES) == consumers


def test_confirms_count_in_whatever_order_they_come():
    channel = SimpleNamespace(events={"basic_ack": set()})
    confirms = baseline._Confirms(connection=None, channel=channel)
    (on_ack,) = channel.events["basic_ack"]

    on_ack(3, False)
    on_ack(2, True)
    on_ack(5, False)

    confirms.wait_until(4)  # 1, 2, 3 and 5: it does not have to read any more
    with pytest.raises(AttributeError):
        confirms.wait_until(5)
