"""Charts of script/bench."""

import pytest

from dev.bench.report import plot
from dev.bench.report.figures import Report, Series
from dev.errors import ScriptError


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
