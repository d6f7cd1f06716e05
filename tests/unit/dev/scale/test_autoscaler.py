"""Rule and decisions of script/scale's autoscaler."""

import pytest
import yaml

from dev.errors import ScriptError
from dev.scale import rule
from dev.scale.autoscaler import Autoscaler
from dev.scale.fleet import GRACE
from dev.scale.rule import MANIFEST, Rule
from shop.settings import CONTEXTS

RULE = Rule(minimum=1, maximum=4, per_worker=100, stabilization=120)


def test_every_context_has_a_rule_and_they_agree_on_thresholds_and_times():
    found = rule.rules()
    assert set(found) == set(CONTEXTS)
    assert rule.common(maximum=4) == Rule(1, 4, found["orders"].per_worker, found["orders"].stabilization)


def test_rules_that_differ_are_none_of_a_worker_for_all(tmp_path):
    manifest = tmp_path / "keda.yaml"
    manifest.write_text(MANIFEST.read_text().replace('"100"', '"50"', 2))
    with pytest.raises(ScriptError, match="different rules"):
        rule.common(manifest, maximum=4)


def test_workers_stop_within_the_grace_period_of_the_manifests():
    deployment = yaml.safe_load_all((MANIFEST.parent / "worker-orders.yaml").read_text())
    assert next(deployment)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == GRACE


@pytest.mark.parametrize(
    ("depths", "workers"),
    [([], 1), ([0, 0], 1), ([100], 1), ([101], 2), ([120, 350, 0], 4), ([90_000], 4)],
    ids=["no queue", "empty", "enough", "one too many", "deepest", "maximum"],
)
def test_the_deepest_queue_decides_within_the_limits(depths, workers):
    assert Autoscaler(RULE).decide(depths, now=0) == workers


def test_more_workers_come_at_once_and_fewer_after_the_window():
    scaler = Autoscaler(RULE)
    assert scaler.decide([50], now=0) == 1
    assert scaler.decide([400], now=15) == 4
    assert scaler.decide([200], now=30) == 4, "two would be enough, but not yet for long"
    assert scaler.decide([0], now=45) == 4
    assert scaler.decide([0], now=136) == 2, "four were wanted 121 s ago, two 106 s ago"
    assert scaler.decide([0], now=151) == 1


def test_a_second_wave_within_the_window_stops_nobody():
    scaler = Autoscaler(RULE)
    scaler.decide([400], now=0)
    scaler.decide([0], now=100)
    scaler.decide([400], now=119)
    assert scaler.decide([0], now=200) == 4
