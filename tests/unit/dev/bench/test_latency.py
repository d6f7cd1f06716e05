"""Latency of script/bench: paces that a contestant keeps, and the ratios between contestants."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from dev.bench.limits import latency
from dev.bench.limits.latency import Pace

PACES = [Pace(50, 20), Pace(1, 60), Pace(10, 30)]


@dataclass
class Paced:
    """A contestant that takes ``delay`` seconds for an order, and ``limit`` orders a second at most."""

    name: str
    delay: float
    limit: float = 1000.0

    def __post_init__(self) -> None:
        self.asked = list[float]()

    @contextlib.contextmanager
    def serving(self) -> Iterator[object]:
        yield self.ship

    def ship(self, orders: int, rate: float) -> Sequence[tuple[float, float]]:
        self.asked.append(rate)
        slower = 1 / min(rate, self.limit)
        return [(n / rate, self.delay + n * slower) for n in range(orders)]


def measured(contestant: Paced) -> dict[str, object]:
    figures = latency._measure_once(contestant, PACES, "run 1 of 1")
    return latency._series(contestant.name, [figures])


def test_a_contestant_is_given_paces_upwards_until_it_does_not_keep_one():
    celery = Paced("Celery", delay=0.1, limit=8)
    found = measured(celery)
    assert celery.asked == [1, 10]
    assert found["1/s: kept"].median == pytest.approx(1)
    assert found["10/s: kept"].median == pytest.approx(0.8)
    assert "50/s: p50" not in found


def test_there_are_ratios_at_the_paces_that_both_kept_and_no_others():
    series = {"shop": measured(Paced("shop", 0.02)), "Celery": measured(Paced("Celery", 0.1, limit=8))}
    ratios = {one.name: one.median for one in latency._ratios(series, ["shop"])}
    assert ratios == {
        "Celery / shop, 1/s: p50": pytest.approx(5),
        "Celery / shop, 1/s: p99": pytest.approx(5),
    }


def test_a_pace_that_one_run_did_not_reach_has_no_series():
    whole, short = Paced("DBOS", 0.1), Paced("DBOS", 0.1, limit=8)
    runs = [latency._measure_once(one, PACES, "") for one in (whole, short)]
    assert {name.partition(":")[0] for name in latency._series("DBOS", runs)} == {"1/s", "10/s"}
