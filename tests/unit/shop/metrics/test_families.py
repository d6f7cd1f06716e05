"""Families of metrics: each is documented, and named as Prometheus and OpenTelemetry want it."""

import re

import pytest

from dev.paths import ROOT
from shop.metrics.families import FAMILIES

#: Row of the table: name, kind and labels.
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)


def test_every_metric_has_a_row_in_the_papers_and_every_row_a_metric():
    text = (ROOT / "docs" / "monitoring.md").read_text()
    rows = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(text)}
    assert rows == {family.name: (family.kind, family.labels) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_tells_unit_and_kind(family):
    assert family.name.startswith(("messaging_", "http_server_", "shop_"))
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert bool(family.bounds) == (family.kind == "histogram")
    assert family.help.endswith(".")
