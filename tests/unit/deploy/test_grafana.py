"""Dashboards: what Grafana needs to show them, on metrics that exist."""

import json
import re
from itertools import combinations

import pytest

from dev.paths import ROOT
from shop.metrics.families import FAMILIES

DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
KNOWN = {family.name for family in FAMILIES} | {"process_cpu_seconds", "process_resident_memory_bytes"}
SUFFIXES = re.compile(r"_(bucket|count|sum|total)$")


@pytest.fixture(params=DASHBOARDS, ids=lambda file: file.stem)
def board(request):
    return json.loads(request.param.read_text())


def test_a_dashboard_has_a_stable_address_and_lets_its_prometheus_be_chosen(board):
    assert board["uid"].startswith("shop-")
    [variable] = board["templating"]["list"]
    assert (variable["type"], variable["name"]) == ("datasource", "datasource")
    for panel in board["panels"]:
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_have_ids_of_their_own_and_do_not_overlap(board):
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for one, other in combinations([panel["gridPos"] for panel in board["panels"]], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
        assert one["x"] + one["w"] <= 24


def test_each_query_asks_for_metrics_that_exist(board):
    for panel in board["panels"]:
        for target in panel["targets"]:
            text = re.sub(r"\{[^}]*\}|by \([^)]*\)", "", target["expr"])
            names = re.findall(r"\b(?:shop|http|messaging|process)_\w+", text)
            assert names, target
            assert {SUFFIXES.sub("", name) for name in names} <= {SUFFIXES.sub("", name) for name in KNOWN}
